using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Tests.SimulatedDisk;
using Comet.Journals.Tests.Support;
using Comet.Tests;

namespace Comet.Journals.Tests.Recovery;

/// <summary>The last 64 KiB of a journal, none of it confirmed as durable, torn at each of their bytes.</summary>
public sealed class TornTailEveryByteTests
{
    private const string Directory = "/journal";
    private const int TailLength = 64 * 1024;
    private const int Confirmed = 20;

    private static readonly JournalOptions Options = new()
    {
        FirstSegmentLength = 128 * 1024, MaxSegmentLength = 128 * 1024, MaxWriters = 1, OpenTimeout = TimeSpan.Zero
    };

    [Theory]
    [TakesLong]
    [InlineData(true, 1)]
    [InlineData(false, 29)]
    public void At_whatever_byte_it_is_torn_all_whole_records_before_are_there_and_nothing_else(bool isZeroBeyond, int step)
    {
        var disk = new SimulatedFileSystem(new Random(1));
        var (ends, file) = Fill(disk);
        var garbage = new byte[TailLength * 2];
        new Random(2).NextBytes(garbage);
        var cuts = 0;
        for (var cut = ends[^1] - TailLength; cut <= ends[^1]; cut += step)
        {
            var torn = disk.Restart();
            var rest = torn.Names[file].Content.Span[(int)cut..];
            if (isZeroBeyond)
                rest.Clear();
            else
                garbage.AsSpan(0, rest.Length).CopyTo(rest);
            var whole = ends.TakeWhile(end => end <= cut).Count();
            using (var journal = Open(torn))
            {
                var kept = Count(journal);
                // A cut may fall into the zeros behind a body, where zeros are what was there.
                Assert.True(kept >= whole && kept <= (isZeroBeyond ? whole + 1 : whole), $"{kept} and not {whole} at {cut}");
                Assert.True(kept >= Confirmed);
            }

            torn.Recycle();
            cuts++;
        }

        Assert.True(cuts > TailLength / step);
    }

    /// <summary>Where each record ends, and the file they are in.</summary>
    private static (List<long> Ends, string File) Fill(SimulatedFileSystem disk)
    {
        var journal = Open(disk);
        var writer = journal.CreateWriter();
        var ends = new List<long>();
        for (var i = 0; i < Confirmed; i++)
            Append(JournalDurability.Disk);
        while (ends[^1] < ends[Confirmed - 1] + TailLength + 2000)
            Append(JournalDurability.Os);
        return (ends, disk.Names.Keys.Single(static path => path.EndsWith(".journal", StringComparison.Ordinal)));

        void Append(JournalDurability durability)
        {
            var payload = Payload.Of(ends.Count, 40 + (ends.Count * 37 % 900));
            ends.Add(writer.Append(payload, durability).FilePosition + RecordLayout.Size(payload.Length));
        }
    }

    private static int Count(Journal journal)
    {
        using var reader = journal.CreateReader();
        var count = 0;
        while (reader.TryRead(out var record))
        {
            // The checksum is right: the number tells whether it is this one.
            Assert.Equal(count, BitConverter.ToInt32(record.Payload));
            count++;
        }

        return count;
    }

    private static Journal Open(SimulatedFileSystem disk) => Journal.Open(
        JournalEnvironment.Default with { Files = disk, Background = new ManualQueue() }, Directory, Options);
}
