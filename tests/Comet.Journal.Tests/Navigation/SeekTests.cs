using System.Runtime.InteropServices;
using Comet.Journals.Control;
using Comet.Journals.Segments;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Journals.Tests.Navigation;

/// <summary>Every way to go somewhere ends where a search through a plain list ends, whoever asks and whatever has become of the
/// index.</summary>
public sealed class SeekTests
{
    // Seldom enough that a block holds several and often enough that many begin a block; some span several blocks.
    private static readonly Gen<int> Length =
        Gen.Frequency((20, Gen.Int[0, 300]), (20, Gen.Int[1000, 9000]), (1, Gen.Int[70_000, 200_000]));

    private static readonly Gen<(int Length, int Pause)[]> Records = Gen.Select(Length, Gen.Int[0, 3]).Array[1, 400];

    private sealed record Written(JournalPosition Position, DateTimeOffset Time, int Length);

    [Fact]
    public void Sequences_times_and_places_are_found() => Records.Sample(records =>
    {
        using var world = new World(records);
        foreach (var journal in world.Openers)
            AssertFindsAll(journal, world.Written);
    }, iter: 15);

    [Fact]
    public void An_index_that_is_lost_or_full_of_rubbish_is_found_again() => Gen.Select(Records, Gen.Int).Sample((records, seed) =>
    {
        using var world = new World(records);
        Spoil(world.Directory, new Random(seed));
        foreach (var journal in world.Openers)
            AssertFindsAll(journal, world.Written);
    }, iter: 15);

    [Fact]
    public void Backward_is_forward_reversed_and_turns_anywhere() => Gen.Select(Records, Gen.Bool.Array[0, 600]).Sample((records, steps) =>
    {
        using var world = new World(records);
        foreach (var journal in world.Openers)
        {
            using var reader = journal.CreateReader(JournalStart.End);
            var at = world.Written.Count;
            foreach (var isForward in steps.Concat(Enumerable.Repeat(false, at + 1)))
            {
                var expected = isForward ? at : at - 1;
                var found = isForward ? reader.TryRead(out var record) : reader.TryReadBackward(out record);
                Assert.Equal(expected >= 0 && expected < world.Written.Count, found);
                if (!found)
                    continue;

                Assert.Equal(world.Written[expected].Position, record.Position);
                Assert.Equal(world.Written[expected].Length, record.Payload.Length);
                at = isForward ? at + 1 : at - 1;
            }
        }
    }, iter: 15);

    [Fact]
    public void An_empty_journal_has_defined_answers()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        Assert.Equal((0, -1, 0), (journal.FirstSequence, journal.LastSequence, journal.Count()));
        using var reader = journal.CreateReader();
        Assert.Equal(JournalSeekResult.BeyondEnd, reader.Seek(JournalStart.First));
        Assert.Equal(JournalSeekResult.BeyondEnd, reader.Seek(JournalStart.End));
        Assert.Equal(JournalSeekResult.BeyondEnd, reader.Seek(JournalStart.AtSequence(3)));
        Assert.Equal(JournalSeekResult.BeyondEnd, reader.Seek(JournalStart.AtTime(DateTimeOffset.UnixEpoch)));
        Assert.False(reader.TryReadBackward(out _));
        using var writer = journal.CreateWriter();
        writer.Append("x"u8);
        Assert.True(reader.TryRead(out var record));
        Assert.Equal(0, record.Sequence);
    }

    /// <summary>It remembers where segments begin, and others come and go.</summary>
    [Fact]
    public void A_reader_that_has_sought_before_finds_what_one_finds_that_is_new()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, new JournalOptions
        {
            FirstSegmentLength = 64 * 1024, MaxSegmentLength = 64 * 1024, RollCycle = RollCycle.BySize,
        });
        using var writer = journal.CreateWriter();
        using var reader = journal.CreateReader();
        var random = new Random(1);
        for (var last = 0L; last < 600; last += 100)
        {
            for (var i = 0; i < 100; i++)
                writer.Append(new byte[2_000]);
            if (last >= 200)
                journal.TruncateBefore(last - 150);
            for (var i = 0; i < 60; i++)
            {
                var start = JournalStart.AtSequence(random.NextInt64(last + 105));
                using var other = journal.CreateReader();
                Assert.Equal(other.Seek(start), reader.Seek(start));
                var isThere = other.TryRead(out var expected);
                Assert.Equal(isThere, reader.TryRead(out var record));
                Assert.True(!isThere || expected.Position == record.Position);
            }
        }
    }

    private static void AssertFindsAll(Journal journal, IReadOnlyList<Written> written)
    {
        Assert.Equal((0, written.Count - 1), (journal.FirstSequence, journal.LastSequence));
        Assert.Equal(Math.Max(0, written.Count - 3), journal.Count(1, written.Count - 2));
        using var reader = journal.CreateReader();
        for (var i = 0; i < written.Count; i += 1 + (i / 16))
        {
            AssertAt(reader, JournalStart.AtSequence(i), written[i]);
            AssertAt(reader, JournalStart.AtPosition(written[i].Position), written[i]);
            AssertAt(reader, JournalStart.AtPosition(written[i].Position with { Segment = 9999 }), written[i]);
            var beside = written[i].Position with { FilePosition = written[i].Position.FilePosition + 8 };
            AssertAt(reader, JournalStart.AtPosition(beside), written[i]);
            AssertAt(reader, JournalStart.AtTime(written[i].Time), written.First(each => each.Time >= written[i].Time));
            AssertAt(reader, JournalStart.AtTime(written[i].Time.AddTicks(-1)), written.First(each => each.Time >= written[i].Time));
        }

        Assert.Equal(JournalSeekResult.BeforeFirst, reader.Seek(JournalStart.AtSequence(-1)));
        Assert.Equal(JournalSeekResult.BeyondEnd, reader.Seek(JournalStart.AtSequence(written.Count)));
        Assert.False(reader.TryRead(out _));
        Assert.Equal(JournalSeekResult.BeyondEnd, reader.Seek(JournalStart.AtTime(written[^1].Time.AddTicks(1))));
        Assert.False(reader.TryRead(out _));
        Assert.True(reader.TryReadBackward(out var last));
        Assert.Equal(written[^1].Position, last.Position);
    }

    private static void AssertAt(JournalReader reader, JournalStart start, Written expected)
    {
        Assert.Equal(JournalSeekResult.Found, reader.Seek(start));
        Assert.True(reader.TryRead(out var record));
        Assert.Equal(expected.Position, record.Position);
    }

    private static void Spoil(TemporaryDirectory directory, Random random)
    {
        foreach (var path in directory.Segments)
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            var index = new byte[new SegmentLayout(file.Length).DataStart - SegmentLayout.IndexStart];
            file.Position = SegmentLayout.IndexStart;
            if (random.Next(3) is not 0 and var how)
                file.ReadExactly(index);
            else
                how = 0;
            if (how == 1)
                random.NextBytes(index);
            else if (how == 2)
                Twist(MemoryMarshal.Cast<byte, long>(index.AsSpan()), random);
            file.Position = SegmentLayout.IndexStart;
            file.Write(index);
        }
    }

    // Still in the right block of the right segment, but another place, another sequence or another time.
    private static void Twist(Span<long> index, Random random)
    {
        for (var i = 2; i < index.Length; i += 2)
        {
            var wrong = random.Next(3);
            if (index[i] == 0)
                continue;
            if (wrong == 0)
                index[i] += random.Next(1, 100);
            else if (wrong == 1)
                index[i] += (long)TailWord.OneSequence * random.Next(-2, 3);
            else
                index[i + 1] = random.NextInt64(index[i + 1] * 2);
        }
    }

    private sealed class World : IDisposable
    {
        private readonly Journal _journal;

        public World((int Length, int Pause)[] records)
        {
            var time = new FakeTimeProvider();
            var options = new JournalOptions
            {
                FirstSegmentLength = 16 * 1024,
                MaxSegmentLength = 512 * 1024,
                RollCycle = RollCycle.Minute,
                TimeProvider = time
            };
            _journal = Journal.Open(Directory.Path, options);
            using var writer = _journal.CreateWriter();
            foreach (var (length, pause) in records)
            {
                time.Advance(TimeSpan.FromSeconds(pause));
                Written.Add(new Written(writer.Append(new byte[length]), time.GetUtcNow(), length));
            }

            Openers = [_journal, Journal.Open(Directory.Path, options),
                Journal.Open(Directory.Path, options with { Access = JournalAccess.ReadOnly })];
        }

        public TemporaryDirectory Directory { get; } = new();

        public List<Written> Written { get; } = [];

        public Journal[] Openers { get; }

        public void Dispose()
        {
            foreach (var journal in Openers)
                journal.Dispose();
            Directory.Dispose();
        }
    }
}
