using Comet.Server.Storage;
using Comet.Wire;

namespace Comet.Server.Broker;

/// <summary>Finds the records of a batch that have a time of their own.</summary>
internal sealed class DelayScan(int maxRecordsLength)
{
    /// <summary>The records of the batch that was looked at last whose time has not come.</summary>
    public List<(int Delta, long Due, int? KeyHash)> Found { get; } = [];

    /// <summary>The latest time in that batch.</summary>
    public long Latest { get; private set; }

    /// <summary>Looks at a batch. A time that is past means now: such a record is like any other.</summary>
    public void Look(ReadOnlyMemory<byte> batch, in RecordBatchHeader header, long now)
    {
        Found.Clear();
        Latest = long.MinValue;
        if ((header.Attributes & RecordBatchAttributes.HasDelayed) == 0)
            return;
        var reader = new RecordReader(RecordBatch.GetRecords(batch, header, maxRecordsLength).Span, header);
        while (reader.TryRead(out var record))
        {
            Latest = Math.Max(Latest, record.DeliverAt);
            if (record.DeliverAt > now)
                Found.Add((record.OffsetDelta, record.DeliverAt, record.HasKey ? KeyHash.Compute(record.Key) : null));
        }
    }

    /// <summary>Fills an empty index from a log, as it was at that time: what was due before is not waiting any more.</summary>
    /// <param name="index">The index.</param>
    /// <param name="log">The log.</param>
    /// <param name="moved">The messages that were moved to another time.</param>
    /// <param name="cancelled">The messages that were cancelled.</param>
    /// <param name="now">Microseconds since the Unix epoch.</param>
    public void Recover(DelayIndex index, IPartitionLog log, IReadOnlyDictionary<long, MovedDue> moved, OffsetBits cancelled, long now)
    {
        for (var at = log.StartOffset; log.TryRead(at, out var batch); at = batch.LastOffset + 1)
        {
            // All that has a time: a message whose time is past may have been moved to a later one.
            Look(batch.Bytes, batch.Header, long.MinValue);
            foreach (var (delta, original, keyHash) in Found)
            {
                var offset = batch.BaseOffset + delta;
                if (cancelled.Contains(offset))
                    index.RestoreCancelled(offset);
                else if (original != 0)
                    index.Restore(offset, moved.GetValueOrDefault(offset, new(original, original)), keyHash, now);
            }
        }
    }
}
