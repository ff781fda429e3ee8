using System.Collections.Concurrent;
using System.Globalization;
using Comet.Simulation.Tests.Simulation;
using Xunit.Sdk;
using Xunit.v3;

namespace Comet.Simulation.Tests;

/// <summary>A thousand seeds: a broker, its clients and their faults, checked. The counters come last: what no seed has reached, no seed
/// has tested.</summary>
[TestCaseOrderer(typeof(ByName))]
public sealed class SeedTests(SeedTests.Totals totals) : IClassFixture<SeedTests.Totals>
{
    // Another thousand than in CI: 1001, 2001, …
    private const string FirstSeedVariable = "COMET_FIRST_SEED";
    private const int Blocks = 20;
    private const int SeedsPerBlock = 50;
    private const int Repeated = 2;
    // So many seeds of a thousand may prove nothing.
    private const double MostUnknown = 0.1;

    private static int FirstSeed => int.TryParse(Environment.GetEnvironmentVariable(FirstSeedVariable), CultureInfo.InvariantCulture,
        out var first) ? first : 1;

    public static TheoryData<int> AllBlocks => [.. Enumerable.Range(0, Blocks)];

    [Theory]
    [MemberData(nameof(AllBlocks))]
    public async Task Block_of_seeds_keeps_every_promise(int block)
    {
        var seeds = Enumerable.Range((block * SeedsPerBlock) + FirstSeed, SeedsPerBlock);
        var failures = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(seeds, async (seed, _) =>
        {
            var outcome = await SimulationRun.RunAsync(seed);
            totals.Add(outcome);
            if (outcome.Verdict == Verdict.Invalid)
                failures.Add(outcome.Explain());
            if (seed % SeedsPerBlock < Repeated && (await SimulationRun.RunAsync(seed)).Hash != outcome.Hash)
                failures.Add($"Seed {seed} does not repeat: {ReplayTests.CommandFor(seed)}");
        });
        Assert.True(failures.IsEmpty, $"{failures.Count} of {SeedsPerBlock} seeds:\n{string.Join('\n', failures)}");
    }

    [Fact]
    public void Over_all_seeds_every_state_is_reached()
    {
        Assert.SkipUnless(totals.Seeds == Blocks * SeedsPerBlock, "Only when all seeds have run.");
        TestContext.Current.TestOutputHelper!.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"{totals.Seeds} seeds, {totals.Unknown} unknown: {totals.Counters}"));
        Assert.InRange(totals.Unknown, 0, (int)(totals.Seeds * MostUnknown));
        foreach (var state in Enum.GetValues<Sometimes>())
            Assert.True(totals.Counters[state] > 0, $"No seed has reached {state}.");
    }

    /// <summary>What the seeds so far have reached.</summary>
    public sealed class Totals
    {
        private int _seeds;
        private int _unknown;

        public int Seeds => _seeds;

        public int Unknown => _unknown;

        internal Counters Counters { get; } = new();

        internal void Add(Outcome outcome)
        {
            Interlocked.Increment(ref _seeds);
            if (outcome.Verdict == Verdict.Unknown)
                Interlocked.Increment(ref _unknown);
            Counters.Add(outcome.Counters);
        }
    }

    private sealed class ByName : ITestCaseOrderer
    {
        public IReadOnlyCollection<TTestCase> OrderTestCases<TTestCase>(IReadOnlyCollection<TTestCase> testCases)
            where TTestCase : notnull, ITestCase =>
            [.. testCases.OrderBy(static test => test.TestCaseDisplayName, StringComparer.Ordinal)];
    }
}
