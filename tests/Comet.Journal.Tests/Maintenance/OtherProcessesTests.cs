using System.Globalization;
using Comet.Journals.Tests.Processes;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Maintenance;

public sealed class OtherProcessesTests
{
    [Fact]
    public async Task When_the_packing_process_is_killed_another_takes_over_and_nothing_is_lost()
    {
        const int Rounds = 6;
        const int PerRound = 400;
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options with { Keys = Keys.Ring("k") });
        var random = new Random(3);
        for (var round = 0; round < Rounds; round++)
        {
            using var packing = ChildProcess.Start("pack", directory.Path);
            using var also = ChildProcess.Start("pack", directory.Path);
            Assert.Equal("begun", await packing.ReadLineAsync());
            Assert.Equal("begun", await also.ReadLineAsync());
            for (var part = 0; part < 4; part++)
                await PackedJournal.FillAsync(journal, (round * PerRound) + (part * PerRound / 4), PerRound / 4);
            // In the middle of whatever it is at.
            Thread.SpinWait(random.Next(2_000_000));
            Assert.All(await packing.KillAsync(), line => int.Parse(line, CultureInfo.InvariantCulture));
            Assert.All(await also.KillAsync(), line => int.Parse(line, CultureInfo.InvariantCulture));
            Assert.Equal(Enumerable.Range(0, (round + 1) * PerRound), Payload.ReadAll(journal));
        }

        Assert.Empty(journal.RunMaintenance(PackedJournal.Lz4).Failures);
        Assert.Single(PackedJournal.Hot(directory.Path));
        PackedJournal.AssertTidy(directory.Path, Path.Combine(directory.Path, "cool"));
        Assert.Equal(Enumerable.Range(0, Rounds * PerRound), Payload.ReadAll(journal));
    }

    [Fact]
    public async Task A_writer_that_was_stopped_while_others_went_on_and_packed_goes_on_itself()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options with { FirstSegmentLength = 64 * 1024 });
        foreach (var durability in new[] { "Disk", "Os" })
        {
            using var child = ChildProcess.Start("append", directory.Path, durability == "Disk" ? "0" : "1000000", durability, "100");
            for (var round = 0; round < 6; round++)
            {
                Assert.NotNull(await child.ReadLineAsync());
                child.Pause();
                using (var writer = journal.CreateWriter())
                {
                    for (var i = 0; i < 500; i++)
                        writer.Append(new byte[1000]);
                }

                // Where it stopped in the middle of an append this one is not durable, and nothing behind it is packed.
                Assert.Empty(journal.RunMaintenance(PackedJournal.Lz4).Failures);
                child.Resume();
            }

            await journal.FlushAsync();
            for (var i = 0; i < 50; i++)
                Assert.NotNull(await child.ReadLineAsync());
            await child.KillAsync();
        }

        await journal.FlushAsync();
        Assert.Empty(journal.RunMaintenance(PackedJournal.Lz4).Failures);
        Assert.Single(PackedJournal.Hot(directory.Path));
    }

    [Fact]
    public async Task A_segment_in_which_a_writer_is_stopped_in_the_middle_is_not_packed_before_it_is_done()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options);
        using var child = ChildProcess.Start("stop in claim", directory.Path);
        Assert.Equal("claimed", await child.ReadLineAsync());
        using (var writer = journal.CreateWriter())
        {
            for (var i = 0; i < PackedJournal.Count; i++)
                writer.Append(Payload.Of(i, 1000));
        }

        var flushed = journal.FlushAsync().AsTask();
        Assert.Equal(0, journal.RunMaintenance(PackedJournal.Lz4).Packed);
        child.Say("go on");
        Assert.Equal("published", await child.ReadLineAsync());
        await flushed;
        Assert.True(journal.RunMaintenance(PackedJournal.Lz4).Packed > 1);
        using var reader = journal.CreateReader();
        Assert.True(reader.TryRead(out var record));
        Assert.Equal((0, 16), (record.Sequence, record.Payload.Length));
        for (var i = 0; i < PackedJournal.Count; i++)
            Assert.True(reader.TryRead(out _));
    }
}
