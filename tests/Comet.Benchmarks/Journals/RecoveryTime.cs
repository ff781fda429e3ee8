using Comet.Journals;

namespace Comet.Benchmarks.Journals;

/// <summary>How long a journal of 1 GiB takes to open after a power cut: the flushed part is known by its marks, and all of it is read when
/// there are none.</summary>
internal static class RecoveryTime
{
    private const long Bytes = 1L << 30;
    private const int NotFlushed = 16 << 20;
    private const int Size = 1024;

    public static void Run(int rounds) => new Rounds("open 1 GiB after a power cut", "ms")
        .Add("by its marks", static () => Measure(isFlushed: true))
        .Add("all read", static () => Measure(isFlushed: false))
        .Run(Math.Min(rounds, 3));

    private static double Measure(bool isFlushed)
    {
        using var scratch = new Scratch();
        using var copy = new Scratch();
        var options = isFlushed ? new JournalOptions() : new JournalOptions
        {
            FlushInterval = TimeSpan.FromHours(1), FlushLength = 1L << 30,
        };
        using (var journal = Journal.Open(scratch.Path, options))
        using (var writer = journal.CreateWriter())
        {
            var record = new byte[Size];
            for (var i = 0L; i < Bytes / Size; i++)
                writer.Append(record);
            if (isFlushed)
                AppendBehindAFlush(journal, writer, record);
            // What a power cut leaves when the disk has got all of it: everything but the state that belongs to this session.
            foreach (var name in Directory.GetFiles(scratch.Path).Select(static file => Path.GetFileName(file)))
            {
                if (name != "journal.control")
                    File.Copy(scratch.File(name), copy.File(name));
            }
        }
        var start = Rounds.Time.GetTimestamp();
        using (Journal.Open(copy.Path))
            return Rounds.Time.GetElapsedTime(start).TotalMilliseconds;
    }

    // A writer at full speed runs hundreds of MiB ahead of the disk; as a rule there is little that is not flushed.
    private static void AppendBehindAFlush(Journal journal, JournalWriter writer, byte[] record)
    {
        journal.FlushAsync().AsTask().GetAwaiter().GetResult();
        for (var i = 0; i < NotFlushed / Size; i++)
            writer.Append(record);
    }
}
