namespace Comet.Client.Replaying;

/// <summary>Where the replay of one partition ends: at an offset that is fixed when it begins, or earlier, at an append time.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="EndOffset">The first offset that does not belong to it.</param>
/// <param name="EndTime">Messages that were appended then or later do not belong to it.</param>
/// <param name="Share">How many partitions share the window.</param>
internal sealed record ReplayStretch(int Partition, long EndOffset, DateTimeOffset EndTime, int Share)
{
    public static ReplayStretch UpTo(StartPosition to, PartitionDescription partition, int share)
    {
        var end = to.Kind switch
        {
            StartPositionKind.Earliest => partition.StartOffset,
            StartPositionKind.Offset => Math.Min(to.Value, partition.EndOffset),
            _ => partition.EndOffset,
        };
        var time = to.Kind == StartPositionKind.Time ? UnixMicroseconds.ToTime(to.Value) : DateTimeOffset.MaxValue;
        return new(partition.Partition, end, time, share);
    }
}
