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

    /// <summary>Adds to an index what a batch of the log has that waits, as it was at that time: what was due before is not waiting any
    /// more.</summary>
    /// <param name="index">The index.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="changed">What was changed about messages that were scheduled.</param>
    /// <param name="now">Microseconds since the Unix epoch.</param>
    public void Recover(DelayIndex index, in StoredBatch batch, ChangedSchedules changed, long now)
    {
        // All that has a time: a message whose time is past may have been moved to a later one.
        Look(batch.Bytes, batch.Header, long.MinValue);
        foreach (var (delta, original, keyHash) in Found)
        {
            var offset = batch.BaseOffset + delta;
            if (changed.Cancelled.Contains(offset))
                index.RestoreCancelled(offset);
            else if (changed.Moved.TryGetValue(offset, out var moved))
                index.Restore(offset, moved, isMoved: true, keyHash, now);
            else if (original != 0)
                index.Restore(offset, new(original, original), isMoved: false, keyHash, now);
        }
    }
}

/// <summary>What was changed about scheduled messages.</summary>
/// <param name="Moved">The messages that were moved to another time.</param>
/// <param name="Cancelled">The messages that were cancelled.</param>
internal sealed record ChangedSchedules(IReadOnlyDictionary<long, MovedDue> Moved, OffsetBits Cancelled)
{
    public static ChangedSchedules Of(PartitionState state)
    {
        var cancelled = new OffsetBits();
        foreach (var offset in state.Cancelled)
            cancelled.Add(offset);
        return new(state.Moved, cancelled);
    }
}
