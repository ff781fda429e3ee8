namespace Comet.Journals.Tests.Support;

/// <summary>What a journal has to hold, and whether it does: read forward, backward, and from any place.</summary>
internal sealed class JournalModel
{
    public sealed record Entry(JournalPosition Position, long Time, byte[] Payload);

    private readonly List<Entry> _entries = [];

    public IReadOnlyList<Entry> Entries => _entries;

    public void Append(JournalWriter writer, byte[] payload, DateTimeOffset time) =>
        _entries.Add(new Entry(writer.Append(payload), time.UtcTicks, payload));

    /// <summary>Records of segments that were removed are not expected any more.</summary>
    public void RemoveBefore(long sequence) => _entries.RemoveAll(entry => entry.Position.Sequence < sequence);

    public void AssertHeldBy(Journal journal, Random random)
    {
        using var reader = journal.CreateReader();
        AssertForward(reader, 0);
        for (var i = _entries.Count - 1; i >= 0; i--)
        {
            Assert.True(reader.TryReadBackward(out var record));
            AssertSame(_entries[i], record);
        }

        Assert.False(reader.TryReadBackward(out _));
        for (var seeks = 0; seeks < 12 && _entries.Count > 0; seeks++)
            AssertSeeks(reader, random);
        Assert.Equal(_entries.Count, journal.Count());
    }

    private void AssertSeeks(JournalReader reader, Random random)
    {
        var index = random.Next(_entries.Count);
        var entry = _entries[index];
        var start = random.Next(3) switch
        {
            0 => JournalStart.AtSequence(entry.Position.Sequence),
            1 => JournalStart.AtPosition(entry.Position),
            _ => JournalStart.AtTime(new DateTimeOffset(entry.Time, TimeSpan.Zero))
        };
        Assert.Equal(JournalSeekResult.Found, reader.Seek(start));
        if (random.Next(2) == 0)
        {
            // Of one time there may be several: the first is found.
            var first = _entries.FindIndex(other => start.What == JournalStart.Kind.Time ? other.Time >= entry.Time : other == entry);
            if (first == 0)
                Assert.False(reader.TryReadBackward(out _));
            else
            {
                Assert.True(reader.TryReadBackward(out var before));
                AssertSame(_entries[first - 1], before);
            }
        }
        else if (start.What != JournalStart.Kind.Time)
        {
            Assert.True(reader.TryRead(out var record));
            AssertSame(entry, record);
            if (random.Next(8) == 0)
                AssertForward(reader, index + 1);
        }
    }

    private void AssertForward(JournalReader reader, int from)
    {
        for (var i = from; i < _entries.Count; i++)
        {
            Assert.True(reader.TryRead(out var record));
            AssertSame(_entries[i], record);
        }

        Assert.False(reader.TryRead(out _));
    }

    private static void AssertSame(Entry expected, in JournalRecord record)
    {
        Assert.Equal(expected.Position, record.Position);
        Assert.True(record.Payload.SequenceEqual(expected.Payload));
        Assert.Equal(expected.Time, record.Timestamp.UtcTicks);
    }
}
