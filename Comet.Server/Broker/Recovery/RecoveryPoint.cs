namespace Comet.Server.Broker;

/// <summary>What the log of a partition tells up to a place, so that it need not be read up to there again.</summary>
/// <param name="Mark">The last batch that counts.</param>
/// <param name="Producers">What is remembered of producers' names.</param>
/// <param name="Delays">What waits for its time.</param>
internal sealed record RecoveryPoint(PointMark Mark, IReadOnlyList<ProducerState> Producers, DelayState Delays)
{
    /// <summary>The first offset that does not count.</summary>
    public long Offset => Mark.LastOffset + 1;
}

/// <summary>Tells one batch from every other: a log that has been cut and written on since has another one at its place.</summary>
internal readonly record struct PointMark(long BaseOffset, long LastOffset, long Epoch, long AppendTime, uint Checksum)
{
    public static PointMark Of(in Wire.RecordBatchHeader header) =>
        new(header.BaseOffset, header.LastOffset, header.OwnershipEpoch, header.AppendTime, header.Checksum);
}

/// <summary>What is remembered of a producer's name (<see cref="ProducerMemory"/>): some batches, the oldest first.</summary>
internal sealed record ProducerState(string Name, long LastUsed, IReadOnlyList<SequenceRun> Recent, IReadOnlyList<SequenceMark> Marks)
{
    public int BatchesPerMark { get; init; } = 1;

    public int SinceMark { get; init; }
}

/// <summary>A batch: its first sequence id, how many it has, and its first offset.</summary>
internal readonly record struct SequenceRun(long BaseSequence, int Count, long BaseOffset);

/// <summary>Where a batch begins that is remembered to search from.</summary>
internal readonly record struct SequenceMark(long BaseSequence, long BaseOffset);

/// <summary>What waits for the time in its record, and offsets by the hash of their key, all in any order. What was moved to another time
/// is not among the first: it is kept apart (<see cref="Storage.PartitionState.Moved"/>).</summary>
internal sealed record DelayState(IReadOnlyList<DueOffset> Waiting, IReadOnlyList<KeyedOffset> Keys)
{
    /// <summary>What is elsewhere.</summary>
    public IReadOnlyList<Storage.DelayRunName> Runs { get; init; } = [];

    public static DelayState Empty { get; } = new([], []);
}

/// <summary>A message by the hash of its key.</summary>
internal readonly record struct KeyedOffset(int Hash, long Offset);
