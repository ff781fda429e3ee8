using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Reading;

/// <summary>A reader that keeps no memory of what it has read.</summary>
public sealed class ReadsOnceTests
{
    private const int RecordLength = 16 * 1024;
    private const int Records = 2000;
    private static readonly JournalOptions Options = new()
    {
        FirstSegmentLength = 16 << 20,
        MaxSegmentLength = 16 << 20,
        FlushInterval = TimeSpan.FromMinutes(10)
    };

    [Fact]
    public void It_reads_what_others_read_beside_it_whole_and_in_order()
    {
        using var directory = new TemporaryDirectory();
        Fill(directory.Path);
        using var journal = Journal.Open(directory.Path, Options);
        using var once = journal.CreateReader();
        once.ReadsOnce = true;
        using var other = journal.CreateReader();
        for (var i = 0; i < Records; i++)
        {
            foreach (var reader in (JournalReader[])[once, other])
            {
                Assert.True(reader.TryRead(out var record));
                Assert.True(record.Payload.SequenceEqual(Payload.Of(i, RecordLength)));
            }
        }

        // And backward, into windows that were let go of.
        for (var i = Records - 1; i > Records / 2; i--)
        {
            Assert.True(once.TryReadBackward(out var record));
            Assert.True(record.Payload.SequenceEqual(Payload.Of(i, RecordLength)));
        }
    }

    [Fact]
    public void What_it_has_read_is_no_memory_of_the_process()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        using var directory = new TemporaryDirectory();
        Fill(directory.Path);
        using var journal = Journal.Open(directory.Path, Options);
        using var once = journal.CreateReader();
        once.ReadsOnce = true;
        var most = 0L;
        for (var i = 0; once.TryRead(out _); i++)
        {
            if (i % 100 == 0)
                most = Math.Max(most, ResidentBytes(directory.Path));
        }

        // A window and what the kernel has put around it; the segments are 16 MiB.
        Assert.InRange(most, 1, 8L << 20);
    }

    private static void Fill(string directory)
    {
        using var journal = Journal.Open(directory, Options);
        using var writer = journal.CreateWriter();
        for (var i = 0; i < Records; i++)
            writer.Append(Payload.Of(i, RecordLength));
    }

    /// <summary>How much of the segments that are mapped here is in memory, but for the one that is written.</summary>
    private static long ResidentBytes(string directory)
    {
        var resident = 0L;
        var active = Directory.EnumerateFiles(directory, "*.journal").Max(StringComparer.Ordinal)!;
        var isOurs = false;
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            if (line.Contains(".journal", StringComparison.Ordinal))
                isOurs = line.Contains(directory, StringComparison.Ordinal) && !line.EndsWith(active, StringComparison.Ordinal);
            else if (isOurs && line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                resident += 1024 * long.Parse(line.AsSpan(4, line.Length - 7).Trim(),
                    System.Globalization.CultureInfo.InvariantCulture);
                isOurs = false;
            }
        }

        return resident;
    }
}
