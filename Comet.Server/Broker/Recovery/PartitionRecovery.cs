using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Finds again what an earlier process knew of a log: from the point it has saved and what lies behind that, or from the whole
/// log.</summary>
internal static class PartitionRecovery
{
    /// <summary>Fills an empty table and an empty index. Returns how many bytes of the log it has read.</summary>
    public static long Run(IPartitionLog log, PartitionState state, ProducerTable producers, PartitionSchedules schedules, long now)
    {
        var point = Find(log, state.Point);
        if (!schedules.TryRestore(state, point, now))
            point = null;
        log.Keep(point?.Mark.BaseOffset ?? 0);
        producers.Restore(point?.Producers ?? []);
        var bytes = 0L;
        for (var at = point?.Offset ?? 0; log.TryReadKept(at, out var batch); at = batch.LastOffset + 1)
        {
            producers.Recover(batch);
            // Nothing waits below; producers are known by what was dropped, too.
            if (batch.LastOffset >= log.StartOffset)
                schedules.Recover(batch, now);
            bytes += batch.Bytes.Length;
        }
        producers.Recovered(now);
        schedules.Recovered();
        return bytes;
    }

    /// <summary>The point, when the log is the one that it was saved for and goes on behind it. A log that a power cut has made shorter, or
    /// that came from a copy, is read as a whole.</summary>
    private static RecoveryPoint? Find(IPartitionLog log, RecoveryPoint? saved) =>
        saved is not null && log.TryReadKept(saved.Mark.BaseOffset, out var batch) && PointMark.Of(batch.Header) == saved.Mark
            ? saved
            : null;
}
