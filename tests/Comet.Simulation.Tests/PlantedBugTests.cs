using Comet.Simulation.Tests.Simulation;

namespace Comet.Simulation.Tests;

/// <summary>Each planted bug is found, within a few seeds, by the checker that is there for it. Without this, a thousand seeds without a
/// breach would mean nothing.</summary>
public sealed class PlantedBugTests
{
    private const int MostSeeds = 200;

    [Theory]
    [InlineData(nameof(PlantedBug.CursorMovedBeforeAck), "Lost")]
    [InlineData(nameof(PlantedBug.DuplicateAfterRedelivery), "DuplicateAfterRedelivery")]
    [InlineData(nameof(PlantedBug.EarlyDelay), "Early")]
    [InlineData(nameof(PlantedBug.ScheduledTooEarly), "Early")]
    [InlineData(nameof(PlantedBug.StuckKeyRange), "Stuck")]
    [InlineData(nameof(PlantedBug.PermitsNotGrantedAfterReconnect), "Stuck")]
    [InlineData(nameof(PlantedBug.AckedMessageRedelivered), "AckedThenRedelivered")]
    [InlineData(nameof(PlantedBug.RetentionEatsUnacked), "Lost")]
    [InlineData(nameof(PlantedBug.DedupLost), "DuplicateInLog")]
    [InlineData(nameof(PlantedBug.LateNackTaken), "TakenAway")]
    public async Task A_planted_bug_is_found_by_its_checker(string bug, string checker)
    {
        var planted = Enum.Parse<PlantedBug>(bug);
        var others = new HashSet<string>();
        for (var seed = 1; seed <= MostSeeds; seed++)
        {
            var outcome = await SimulationRun.RunAsync(seed, planted);
            if (outcome.Breaches.FirstOrDefault(b => b.Checker == checker) is { } breach)
            {
                TestContext.Current.TestOutputHelper!.WriteLine($"Seed {seed}: {breach.Sentence}");
                return;
            }
            others.UnionWith(outcome.Breaches.Select(static b => b.Checker));
        }
        Assert.Fail($"{MostSeeds} seeds with {bug} and {checker} reports nothing; other checkers: {string.Join(", ", others)}.");
    }

    [Fact]
    public void Every_bug_that_can_be_planted_is_in_the_table_above() => Assert.Equal(
        Enum.GetNames<PlantedBug>().Where(static name => name != nameof(PlantedBug.None)).Order(StringComparer.Ordinal),
        typeof(PlantedBugTests).GetMethod(nameof(A_planted_bug_is_found_by_its_checker))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false)
            .Select(static row => (string)((InlineDataAttribute)row).Data[0]!).Order(StringComparer.Ordinal));
}
