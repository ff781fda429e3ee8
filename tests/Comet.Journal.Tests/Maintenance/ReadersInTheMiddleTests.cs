using System.Security.Cryptography;
using Comet.Journals.Tests.Processes;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Maintenance;

public sealed class ReadersInTheMiddleTests
{
    private static readonly JournalMaintenance All = new()
    {
        Compression = JournalCodec.Lz4,
        Encrypt = true,
        Cool = new JournalTier("cool", TimeSpan.Zero)
    };

    [Fact]
    public async Task The_same_hash_before_and_after_compressing_moving_and_encrypting_any_number_of_times()
    {
        using var directory = new TemporaryDirectory();
        using var elsewhere = new TemporaryDirectory();
        var options = PackedJournal.Options with { Keys = Keys.Ring("k") };
        using var journal = Journal.Open(directory.Path, options);
        await PackedJournal.FillAsync(journal);
        var expected = await HashAsync(journal);
        JournalMaintenance[] steps =
        [
            new() { Compression = JournalCodec.Snappy },
            new() { Encrypt = true },
            new() { Cool = new JournalTier("cool", TimeSpan.Zero) },
            new() { Cool = new JournalTier("cool", TimeSpan.Zero), Cold = new JournalTier(elsewhere.Path, TimeSpan.Zero) }
        ];
        foreach (var step in steps)
        {
            Assert.Empty(journal.RunMaintenance(step).Failures);
            Assert.Equal(expected, await HashAsync(journal));
            Assert.Equal(expected, await HashAsync(journal));
            using var reading = Journal.Open(directory.Path, options with { Access = JournalAccess.ReadOnly });
            Assert.Equal(expected, await HashAsync(reading));
        }

        Assert.True(PackedJournal.Packed(elsewhere.Path).Length > 1);
        PackedJournal.AssertTidy(directory.Path, Path.Combine(directory.Path, "cool"), elsewhere.Path);
    }

    [Fact]
    public async Task Readers_anywhere_in_the_journal_read_on_forward_and_backward_in_this_process_and_others()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options with { Keys = Keys.Ring("k") });
        using var other = Journal.Open(directory.Path, PackedJournal.Options with { Keys = Keys.Ring("k") });
        await PackedJournal.FillAsync(journal);
        var readers = new List<(JournalReader Reader, int Next)>();
        foreach (var from in new[] { journal, other })
        {
            for (var next = 0; next <= PackedJournal.Count; next += 30)
                readers.Add((from.CreateReader(JournalStart.AtSequence(next)), next));
        }

        using var elsewhere = ChildProcess.Start("read on", directory.Path, "40");
        Assert.Equal("40", await elsewhere.ReadLineAsync());
        Assert.Empty(journal.RunMaintenance(All).Failures);
        Assert.Single(PackedJournal.Hot(directory.Path));
        elsewhere.Say("go on");
        Assert.Equal($"{PackedJournal.Count}", await elsewhere.ReadLineAsync());
        foreach (var (reader, next) in readers)
        {
            for (var i = next; i < PackedJournal.Count; i++)
            {
                Assert.True(reader.TryRead(out var record));
                Assert.Equal(i, record.Sequence);
            }

            for (var i = PackedJournal.Count - 1; i >= 0; i--)
            {
                Assert.True(reader.TryReadBackward(out var record));
                Assert.True(record.Payload.SequenceEqual(Payload.Of(i, 1000)));
            }

            reader.Dispose();
        }
    }

    [Fact]
    public async Task A_place_of_a_named_reader_stays_the_same_place()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options with { Keys = Keys.Ring("k") });
        await PackedJournal.FillAsync(journal);
        using (var named = journal.OpenReader("n"))
        {
            for (var i = 0; i < 100; i++)
                Assert.True(named.Reader.TryRead(out _));
            named.Commit();
        }

        Assert.Empty(journal.RunMaintenance(All).Failures);
        using var again = journal.OpenReader("n");
        Assert.True(again.Reader.TryRead(out var record));
        Assert.Equal(100, record.Sequence);
        again.Commit(record.Position);
        Assert.Equal(101, again.NextSequence);
    }

    [Fact]
    public async Task One_reads_all_and_others_append_while_segments_are_packed_again_and_again()
    {
        const int Records = 4000;
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options with { Keys = Keys.Ring("k") });
        using var stop = new CancellationTokenSource();
        var token = TestContext.Current.CancellationToken;
        var appending = Task.Run(() => PackedJournal.FillAsync(journal, 0, Records), token);
        var packing = Task.Run(() =>
        {
            var (failures, packed) = (new List<Exception>(), 0);
            while (!stop.IsCancellationRequested)
            {
                var result = journal.RunMaintenance(All with { RetainFor = null });
                failures.AddRange(result.Failures);
                packed += result.Packed;
            }

            return (failures, packed);
        }, token);
        using (var reader = journal.CreateReader())
        {
            for (var i = 0; i < Records; i++)
            {
                await reader.WaitAsync(token);
                Assert.True(reader.TryRead(out var record));
                Assert.Equal(i, BitConverter.ToInt32(record.Payload));
            }
        }

        await appending;
        await stop.CancelAsync();
        var (failed, count) = await packing;
        Assert.Empty(failed);
        Assert.True(count + journal.RunMaintenance(All).Packed > 10);
        Assert.Equal(Enumerable.Range(0, Records), Payload.ReadAll(journal));
    }

    private static async Task<string> HashAsync(Journal journal)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await foreach (var entry in journal.ReplayAsync())
        {
            hash.AppendData(entry.Value.Span);
            hash.AppendData(BitConverter.GetBytes(entry.Timestamp.Ticks));
            hash.AppendData(BitConverter.GetBytes(entry.Sequence));
            hash.AppendData(BitConverter.GetBytes(entry.Position.Segment));
            hash.AppendData(BitConverter.GetBytes(entry.Position.FilePosition));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
