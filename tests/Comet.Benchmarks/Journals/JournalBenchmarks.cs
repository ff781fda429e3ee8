namespace Comet.Benchmarks.Journals;

/// <summary>Comet.Journal beside FasterLog and bare copies, in one run and in turns. BenchmarkDotNet measures one thing after the other,
/// which on a machine with neighbours compares two moments.</summary>
internal static class JournalBenchmarks
{
    private const int DefaultRounds = 5;
    private static readonly int[] s_sizes = [40, 160, 220, 512, 1024, 16_384];

    /// <param name="arguments">Names of what to measure (default: all but <c>pages</c>), --rounds N, --size N, --only CANDIDATE,
    /// --cpu.</param>
    public static int Run(string[] arguments)
    {
        var sizes = Values(arguments, "--size") is { Length: > 0 } asked ? asked : s_sizes;
        var rounds = Values(arguments, "--rounds") is [var given, ..] ? given : DefaultRounds;
        Rounds.Only = arguments.Zip(arguments.Skip(1)).FirstOrDefault(static pair => pair.First == "--only").Second;
        ThreadTime.IsUsed = arguments.Contains("--cpu");
        var names = arguments.Where(argument => char.IsAsciiLetter(argument[0]) && argument != Rounds.Only).ToHashSet();
        bool Wants(string name) => names.Count == 0 || names.Contains(name);
        foreach (var size in sizes)
        {
            if (Wants("append"))
                AppendAndScan.Append(size, rounds);
            if (Wants("scan"))
                AppendAndScan.Scan(size, rounds);
            if (Wants("send-then-receive"))
                AppendAndScan.SendThenReceive(size, rounds);
        }
        if (Wants("commit"))
            Durable.Commit(rounds);
        if (Wants("waiters"))
            Durable.Waiters(rounds);
        if (Wants("writers"))
            TwoProcesses.Writers(rounds);
        if (Wants("wake"))
            TwoProcesses.Wake(rounds);
        if (Wants("packing"))
            PackingBeside.Run(rounds);
        if (Wants("recovery"))
            RecoveryTime.Run(rounds);
        if (names.Contains("pages"))
            NewPages.Run(rounds);
        return 0;
    }

    private static int[] Values(string[] arguments, string name) =>
        [.. arguments.Zip(arguments.Skip(1)).Where(pair => pair.First == name)
            .Select(pair => int.Parse(pair.Second, System.Globalization.CultureInfo.InvariantCulture))];
}
