using Comet.Tests;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>A hundred thousand ways in which the power can go.</summary>
public sealed class CrashStateTests
{
    private const int States = 100_000;
    private const int FailingStates = 10_000;
    private const int LyingStates = 3_000;
    private const int Images = 10;
    private const int RollImages = 25;
    private const int Rolls = 8;
    private const int OperationsOfRoll = 6;
    private const int Lives = 6;

    [Fact]
    [TakesLong]
    public void Over_100_000_crash_states_nothing_confirmed_is_lost_nothing_invented_and_no_opening_refused()
    {
        var states = Run(States, DiskMode.Honest, RequireWhole);
        Assert.True(states >= States);
    }

    [Fact]
    [TakesLong]
    public void When_flushes_fail_nothing_is_confirmed_behind_them_and_what_was_confirmed_before_stays()
    {
        var states = Run(FailingStates, DiskMode.FailingFlushes, RequireWhole);
        Assert.True(states >= FailingStates);
    }

    /// <summary>What a disk lies about may be lost. It is not taken for something else, and opening says so or goes on.</summary>
    [Fact]
    public void When_the_disk_lies_nothing_is_invented_and_the_order_is_kept()
    {
        var found = 0;
        var states = Run(LyingStates, DiskMode.Lying, workload =>
        {
            string[] inventions = ["other bytes", "came where", "never given out", "behind the last one", "the program itself"];
            Assert.DoesNotContain(inventions, each => workload.Failure?.Contains(each, StringComparison.OrdinalIgnoreCase) is true);
            found += workload.Failure is null ? 0 : 1;
        });
        Assert.True(states >= LyingStates);
        Assert.True(found > 0, "A disk that lies has never been noticed.");
    }

    [Fact]
    public void Before_every_operation_of_rolls_packing_and_removals_the_power_may_go_or_everybody_be_killed()
    {
        var workload = new CrashWorkload(4, new NoDefect(), RollImages);
        workload.RunRollsAndRemovals(Rolls);
        RequireWhole(workload);
        Assert.True(workload.States > Rolls * RollImages * OperationsOfRoll, $"only {workload.States} states");
    }

    private static void RequireWhole(CrashWorkload workload) => Assert.True(workload.Failure is null, workload.Failure);

    private static int Run(int least, DiskMode mode, Action<CrashWorkload> judge)
    {
        var states = 0;
        for (var seed = 1; states < least; seed++)
        {
            var workload = new CrashWorkload(seed, new NoDefect(), Images, mode);
            workload.Run(Lives);
            judge(workload);
            states += workload.States;
        }

        return states;
    }
}
