using System.Collections.Concurrent;
using System.Globalization;
using Comet.Simulation.Tests.Simulation;
using Comet.Tests;

namespace Comet.Simulation.Tests;

/// <summary>A thousand seeds: a broker, its clients and their faults, checked. What none of them has reached, none has tested.</summary>
public sealed class SeedTests
{
    // Another thousand than in CI: 1001, 2001, …
    private const string FirstSeedVariable = "COMET_FIRST_SEED";
    private const int Seeds = 1000;
    // Every so many-th seed runs twice, and must give the same history.
    private const int RepeatEvery = 25;
    // So many seeds of a thousand may prove nothing.
    private const double MostUnknown = 0.1;

    private static int FirstSeed => int.TryParse(Environment.GetEnvironmentVariable(FirstSeedVariable), CultureInfo.InvariantCulture,
        out var first) ? first : 1;

    [Fact]
    [TakesLong]
    public async Task A_thousand_seeds_keep_every_promise_and_reach_every_state()
    {
        var counters = new Counters();
        var unknown = 0;
        var failures = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(FirstSeed, Seeds), TestContext.Current.CancellationToken, async (seed, _) =>
        {
            var outcome = await SimulationRun.RunAsync(seed);
            counters.Add(outcome.Counters);
            if (outcome.Verdict == Verdict.Unknown)
                Interlocked.Increment(ref unknown);
            if (outcome.Verdict == Verdict.Invalid)
                failures.Add(outcome.Explain());
            if (seed % RepeatEvery == 0 && (await SimulationRun.RunAsync(seed)).Hash != outcome.Hash)
                failures.Add($"Seed {seed} does not repeat: {ReplayTests.CommandFor(seed)}");
        });

        TestContext.Current.TestOutputHelper!.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{Seeds} seeds, {unknown} unknown: {counters}"));
        Assert.True(failures.IsEmpty, $"{failures.Count} of {Seeds} seeds:\n{string.Join('\n', failures)}");
        Assert.InRange(unknown, 0, (int)(Seeds * MostUnknown));
        foreach (var state in Enum.GetValues<Sometimes>())
            Assert.True(counters[state] > 0, $"No seed has reached {state}.");
    }
}
