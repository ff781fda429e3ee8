using System.Diagnostics;
using System.Globalization;
using Comet.Journals;

// Two processes, one journal: this one tails it, asleep while nothing comes; the other one, which it starts, writes to it and is killed in
// the middle. The tailer keeps its place under a name: run it again on the same directory and it goes on where it was.
if (args is ["write", var target])
{
    Write(target);
    return;
}

var directory = args.Length > 0 ? args[0] : Path.Combine(Path.GetTempPath(), "comet-journal-tail");
const int Count = 1000;
using var journal = Journal.Open(directory);
using var tailer = journal.OpenReader("tailer", JournalStart.End);
Console.WriteLine($"{directory}: {journal.Count()} records so far, this tailer goes on with {tailer.NextSequence}.");
using var writer = StartWriter(directory);
var seen = 0;
await foreach (var entry in tailer.Reader.ReadAllAsync())
{
    if (seen % 100 == 0)
        Console.WriteLine($"{entry.Sequence}: {System.Text.Encoding.UTF8.GetString(entry.Value.Span)}");
    if (++seen == Count)
        break;
}

writer.Kill();
await writer.WaitForExitAsync();
await tailer.CommitAsync();
Console.WriteLine($"The writer was killed after {seen} records or more; the next run goes on with {tailer.NextSequence}.");

static void Write(string directory)
{
    using var journal = Journal.Open(directory);
    using var writer = journal.CreateWriter(JournalSerializers.Utf8);
    using var pause = new SemaphoreSlim(0);
    while (true)
    {
        var time = TimeProvider.System.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);
        writer.Append($"process {Environment.ProcessId} at {time}");
        pause.Wait(TimeSpan.FromMilliseconds(1));
    }
}

static Process StartWriter(string directory)
{
    var host = Environment.ProcessPath!;
    string[] program = Path.GetFileNameWithoutExtension(host) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
    return Process.Start(host, [.. program, "write", directory]);
}
