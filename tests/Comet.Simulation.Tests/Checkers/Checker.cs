namespace Comet.Simulation.Tests.Checkers;

/// <summary>A breach of a promise.</summary>
/// <param name="Checker">Which checker found it.</param>
/// <param name="Sentence">What is wrong.</param>
internal sealed record Breach(string Checker, string Sentence);

/// <summary>Looks for the breach of one promise in a history. A checker claims nothing that the history does not prove: where a fault
/// may explain what it sees, it is silent.</summary>
internal interface IChecker
{
    string Name { get; }

    IEnumerable<string> Check(History history);
}

/// <summary>All checkers, by name.</summary>
internal static class AllCheckers
{
    public static readonly IReadOnlyList<IChecker> List =
    [
        new LostChecker(), new InventedChecker(), new OrderChecker(), new LogChecker(), new AckChecker(), new HolderChecker(),
        new TakenAwayChecker(), new DelayChecker(), new DeadLetterChecker(), new StuckChecker(),
    ];

    /// <summary>What all of them find, at most so many sentences each.</summary>
    public static IReadOnlyList<Breach> Check(History history, int most = 3) =>
        [.. List.SelectMany(checker => checker.Check(history).Take(most).Select(sentence => new Breach(checker.Name, sentence)))];
}
