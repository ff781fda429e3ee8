using Comet.Wire;

namespace Comet.Server.Storage;

/// <summary>The messages of one partition, in order. Called by the partition's owner only, so never from two threads at once.</summary>
/// <remarks>Watermarks: <c>StartOffset ≤ StableOffset ≤ EndOffset</c>: the first that is kept, where durable ends, the next to be
/// written. Consumers see what is below <see cref="StableOffset"/>; producers are confirmed when what they asked for is
/// reached.</remarks>
internal interface IPartitionLog
{
    long StartOffset { get; }

    long StableOffset { get; }

    long EndOffset { get; }

    /// <summary>The size of what is kept.</summary>
    long Bytes { get; }

    /// <summary>How much is kept, where that is known without a file being opened; otherwise null. May be asked from any thread, and is a
    /// moment old then.</summary>
    LogSize? KnownSize => null;

    /// <summary>The level that <see cref="StableOffset"/> waits for, and that producers get who ask for none. Set to
    /// <see cref="Durability.None"/>, it is the best there is; set to less than there is, it is what there is.</summary>
    Durability Durability { get; set; }

    /// <summary>Why the last append found no room, and what helps: a part of a sentence.</summary>
    string NoRoom { get; }

    /// <summary>Whether it can be used, to append or otherwise, without files being opened.</summary>
    bool IsAtHand(bool toAppend) => true;

    /// <summary>Where what has reached a level ends.</summary>
    long ReachedOffset(Durability level);

    /// <summary>Puts a batch at the end. The bytes are copied; the broker's stamp is written into the copy.</summary>
    /// <param name="fence">The owner's token; storage that is shared refuses an outdated one.</param>
    /// <param name="batch">A whole, checked batch.</param>
    /// <param name="header">Its header.</param>
    /// <param name="appendTime">Microseconds since the Unix epoch. One that is before that of the batch before is raised to it.</param>
    /// <returns>False when there is no room; nothing has changed then.</returns>
    bool TryAppend(FencingToken fence, ReadOnlySpan<byte> batch, in RecordBatchHeader header, long appendTime);

    /// <summary>Makes what was appended durable. Storage that does so at once completes at once; otherwise
    /// <see cref="StableOffset"/> moves before the task completes. One call is outstanding at a time.</summary>
    ValueTask CommitAsync(FencingToken fence, CancellationToken cancellationToken);

    /// <summary>Has what was appended made durable by <see cref="CommitPrepared"/>, instead of <see cref="CommitAsync"/>; false where that
    /// cannot be.</summary>
    bool TryPrepareCommit(FencingToken fence) => false;

    /// <summary>Makes what was prepared durable, on the caller's thread, which waits for the disk. The only method that is not called by
    /// the owner.</summary>
    void CommitPrepared() => throw new NotSupportedException("Nothing was prepared.");

    /// <summary>Whether <see cref="TryRead"/> of an offset need not wait for the disk. Otherwise what is there is being read from now on,
    /// and the partition is asked by <see cref="Broker.CommandKind.Fetched"/> to come again.</summary>
    bool TryPrepare(long offset) => true;

    /// <summary>How often <see cref="TryPrepare"/> has said that something has to be waited for.</summary>
    long Misses => 0;

    /// <summary>Finds the batch that holds <paramref name="offset"/>, or else the first one behind it; false when there is none. Its bytes
    /// are valid until the next call of this method, of <see cref="TryPrepare"/> or of <see cref="TruncateBefore"/>. Waits for the disk
    /// where it must.</summary>
    bool TryRead(long offset, out StoredBatch batch);

    /// <summary>As <see cref="TryRead"/>, and finds what was dropped as well as long as it is there: what <see cref="Keep"/> has asked for
    /// is.</summary>
    bool TryReadKept(long offset, out StoredBatch batch);

    /// <summary>Whether room is taken only because <see cref="Keep"/> wants it so, and worth a call of it.</summary>
    bool HoldsBack { get; }

    /// <summary>From now on what lies at or behind <paramref name="offset"/> can be had again after a crash, dropped or not.</summary>
    void Keep(long offset);

    /// <summary>The first offset whose batch was appended at that time or later; <see cref="EndOffset"/> when there is none.</summary>
    long FindByAppendTime(long time);

    /// <summary>The size of the batches that do not lie wholly below <paramref name="offset"/>.</summary>
    long BytesFrom(long offset);

    /// <summary>Drops batches that lie wholly below <paramref name="offset"/>.</summary>
    void TruncateBefore(FencingToken fence, long offset);

    /// <summary>The log has not been used in a while: lets go of what can be had again. Nothing changes but the time the next use
    /// takes.</summary>
    void Rest();

    /// <summary>Removes the log and all it has. It is not used again.</summary>
    void Delete();
}

/// <summary>How much a log keeps.</summary>
internal readonly record struct LogSize(long Messages, long Bytes)
{
    /// <summary>The size by marks that another thread moves meanwhile: they may not be of the same moment.</summary>
    public static LogSize Of(long startOffset, long endOffset, long bytes) => new(Math.Max(0, endOffset - startOffset), Math.Max(0, bytes));
}

/// <summary>The number that storage checks at each write: a later owner has a higher one.</summary>
internal readonly record struct FencingToken(long Epoch);

/// <summary>A batch in a log, valid as <see cref="IPartitionLog.TryRead"/> says.</summary>
internal readonly record struct StoredBatch(ReadOnlyMemory<byte> Bytes, RecordBatchHeader Header)
{
    public long BaseOffset => Header.BaseOffset;

    public long LastOffset => Header.LastOffset;
}
