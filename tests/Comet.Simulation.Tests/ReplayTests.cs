using System.Globalization;
using Comet.Simulation.Tests.Simulation;
using Comet.Testing;

namespace Comet.Simulation.Tests;

/// <summary>One seed again, with everything that happened.</summary>
public sealed class ReplayTests
{
    private const int AnySeed = 42;

    /// <summary>What to type to see a seed again.</summary>
    internal static string CommandFor(int seed) => string.Create(CultureInfo.InvariantCulture,
        $"{CometTestHostOptions.SeedVariable}={seed} dotnet test tests/Comet.Simulation.Tests -c Release --filter {nameof(ReplayTests)}");

    [Fact]
    public async Task The_seed_of_the_environment_runs_twice_and_is_the_same_both_times()
    {
        var isGiven = int.TryParse(Environment.GetEnvironmentVariable(CometTestHostOptions.SeedVariable), CultureInfo.InvariantCulture,
            out var seed);
        seed = isGiven ? seed : AnySeed;
        var first = await SimulationRun.RunAsync(seed);
        if (isGiven)
        {
            TestContext.Current.TestOutputHelper!.WriteLine(first.Plan.ToString());
            foreach (var op in first.History.Ops)
                TestContext.Current.TestOutputHelper.WriteLine(op.ToString());
        }
        var second = await SimulationRun.RunAsync(seed);
        Assert.Equal(first.Hash, second.Hash);
        Assert.True(first.Verdict != Verdict.Invalid, first.Explain());
    }
}
