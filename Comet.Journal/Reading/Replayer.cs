using System.Runtime.CompilerServices;

namespace Comet.Journals.Reading;

/// <summary>Replays a part of a journal: the same records in the same order each time.</summary>
internal static class Replayer
{
    public static async IAsyncEnumerable<JournalEntry<ReadOnlyMemory<byte>>> RunAsync(
        Journal journal, JournalReplay replay, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var reader = journal.CreateReader(replay.From);
        var end = Math.Min(replay.ToSequence, journal.LastSequence + 1);
        var time = replay.TimeProvider;
        var started = time.GetTimestamp();
        DateTimeOffset? first = null;
        while (reader.TryReadEntry(out var entry) && entry.Sequence < end)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (replay.Speed is { } speed)
            {
                first ??= entry.Timestamp;
                var due = (entry.Timestamp - first.Value) / speed;
                if (due - time.GetElapsedTime(started) is var pause && pause > TimeSpan.Zero)
                    await Task.Delay(pause, time, cancellationToken);
            }

            yield return entry;
        }
    }
}
