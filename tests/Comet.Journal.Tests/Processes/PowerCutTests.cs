using System.Globalization;
using Comet.Journals.Tests.Support;
using Comet.Tests;

namespace Comet.Journals.Tests.Processes;

/// <summary>Power cuts of a real file system: an ext4 in a file is shut down without writing anything more, while a process
/// appends.</summary>
public sealed class PowerCutTests
{
    private const int Cycles = 20;
    private const int PerCycle = 100_000;

    [Fact]
    [TakesLong]
    public async Task Nothing_confirmed_at_the_level_Disk_is_lost_over_20_power_cuts_of_an_ext4()
    {
        using var directory = new TemporaryDirectory();
        using var disk = LoopDisk.TryCreate(directory.Path, 48L << 20);
        if (disk is null)
            Assert.Skip("Making and mounting an ext4 takes Linux, root, mkfs.ext4 and a loop device.");
        var path = Path.Combine(disk.Mount, "journal");
        var random = new Random(20);
        var confirmed = new List<int>();
        for (var cycle = 0; cycle < Cycles; cycle++)
        {
            using (var child = ChildProcess.Start("append to the end", path, (cycle * PerCycle).ToString(CultureInfo.InvariantCulture)))
            {
                for (var i = random.Next(1, 150); i > 0; i--)
                    confirmed.Add(Confirmation.Parse((await child.ReadLineAsync())!).Number);
                var cut = TimeProvider.System.GetTimestamp();
                disk.CutPower();
                foreach (var line in await child.ReadToEndAsync())
                {
                    // Those that were confirmed right before. What is confirmed behind it means nothing, no process lives to see it after a
                    // real cut: this kernel lets a flush succeed whose extents it could not convert any more because of the shutdown.
                    if (Confirmation.TryParse(line, out var confirmation) && confirmation.Time < cut)
                        confirmed.Add(confirmation.Number);
                }
            }

            disk.Restart();
            // Nothing in it means anything after a restart: the boot id is another one, which it is not here.
            File.Delete(Path.Combine(path, "journal.control"));
        }

        using var journal = Journal.Open(path);
        var all = Payload.ReadAll(journal);
        Assert.Empty(confirmed.Except(all));
        Assert.Equal(all.Count, all.Distinct().Count());
        foreach (var own in all.GroupBy(static number => number / PerCycle))
            Assert.Equal(Enumerable.Range(own.Key * PerCycle, own.Count()), own);
        Assert.True(Journal.Verify(path).IsWhole);
    }
}
