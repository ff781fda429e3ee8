namespace Comet.Benchmarks.Journals;

/// <summary>Group commits: one record and one flush at a time beside a bare mapped write and fdatasync; and records a second with many
/// threads that each wait for the disk.</summary>
internal static class Durable
{
    private const int Commits = 2_000;
    private const int Size = 100;
    private const long RawLength = 16L << 20;

    public static void Commit(int rounds) => new Rounds($"append + disk {Size} B", "commits/s")
        .Add("comet", static () =>
        {
            using var scratch = new Scratch();
            using var log = new CometLog(scratch.Path);
            return MeasureCommits(log.AppendDurable);
        })
        .Add("raw copy + fdatasync", static () =>
        {
            using var scratch = new Scratch();
            using var log = new RawMap(scratch.File("raw"), RawLength);
            return MeasureCommits(record =>
            {
                log.Append(record);
                log.Commit();
            });
        })
        .Add("fasterlog", static () =>
        {
            using var scratch = new Scratch();
            using var log = new FasterLogPeer(scratch.Path);
            return MeasureCommits(record =>
            {
                log.Append(record);
                log.Commit();
            });
        })
        .Run(rounds);

    public static void Waiters(int rounds)
    {
        var measured = new Rounds($"append + disk, waiters, {Size} B", "records/s");
        foreach (var waiters in (int[])[1, 8, 64, 512])
            measured.Add($"{waiters} waiting", () => MeasureWaiters(waiters));
        measured.Run(rounds);
    }

    private static double MeasureCommits(RecordAction append)
    {
        var record = new byte[Size];
        for (var i = 0; i < Commits / 4; i++)
            append(record);
        return Rounds.Rate(Commits, () =>
        {
            for (var i = 0; i < Commits; i++)
                append(record);
        });
    }

    private static double MeasureWaiters(int waiters)
    {
        using var scratch = new Scratch();
        using var journal = Comet.Journals.Journal.Open(scratch.Path);
        var each = Math.Max(20, 4 * Commits / (waiters + 7));
        var record = new byte[Size];
        async Task AppendAsync()
        {
            using var writer = journal.CreateWriter();
            for (var i = 0; i < each; i++)
                await writer.AppendAsync(record);
        }
        // A journal has a place for so many writers; more waiters share one.
        using var shared = journal.CreateWriter();
        var gate = new Lock();
        async Task AppendSharedAsync()
        {
            for (var i = 0; i < each; i++)
            {
                ValueTask<Comet.Journals.JournalPosition> appending;
                lock (gate)
                    appending = shared.AppendAsync(record);
                await appending;
            }
        }
        return Rounds.Rate((long)waiters * each, () => Task.WhenAll(Enumerable.Range(0, waiters)
            .Select(i => waiters <= 64 ? AppendAsync() : AppendSharedAsync())).GetAwaiter().GetResult());
    }

    private delegate void RecordAction(ReadOnlySpan<byte> record);
}
