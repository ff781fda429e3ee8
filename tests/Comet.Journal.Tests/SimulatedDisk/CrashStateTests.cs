using Comet.Tests;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>A hundred thousand ways in which the power can go.</summary>
public sealed class CrashStateTests
{
    private const int States = 100_000;
    private const int Images = 10;
    private const int Lives = 6;

    [Fact]
    [TakesLong]
    public void Over_100_000_crash_states_nothing_confirmed_is_lost_nothing_invented_and_no_opening_refused()
    {
        var states = 0;
        for (var seed = 1; states < States; seed++)
        {
            var workload = new CrashWorkload(seed, new NoDefect(), Images);
            workload.Run(Lives);
            Assert.True(workload.Failure is null, workload.Failure);
            states += workload.States;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{states} crash states");
        Assert.True(states >= States);
    }
}
