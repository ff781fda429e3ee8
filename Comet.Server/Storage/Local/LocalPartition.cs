using Comet.Server.Broker;
using Comet.Server.Storage.Memory;

namespace Comet.Server.Storage.Local;

/// <summary>A partition's rows in the metadata, and its place among the open ones.</summary>
internal sealed class LocalPartition(LocalTopic topic, int number, LocalStorage storage, Action<CommandKind> post)
    : ILocalPartitionRecord, IPartitionStore
{
    private readonly PartitionUpkeep _upkeep = new(storage.PathOf(topic, number), storage.Options, storage.Logger);
    private readonly MetadataWriter _writer = storage.Writer;
    private Task? _mark;
    private bool _isMarked;
    private long _start;
    private int _startIsQueued;
    private bool _hasNoPoint;
    private bool _isToRest;

    public long StartOffset => topic.IsNew ? 0 : storage.Metadata.ReadStartOffset(topic.Id, number);

    public long EndOffset => topic.IsNew ? 0 : storage.Metadata.ReadEndOffset(topic.Id, number);

    public bool IsNew => topic.IsNew;

    public bool HasFiles => !topic.IsNew && storage.Metadata.ReadHasFiles(topic.Id, number);

    public bool HasRoom => storage.Ballast.HasRoom;

    public bool MakeRoom() => storage.Ballast.Release();

    public long Patience => (long)storage.Options.AckInterval.TotalMicroseconds;

    public IDelayFiles? DelayFiles { get; init; }

    /// <summary>Its messages.</summary>
    public LocalPartitionLog? Log { get; set; }

    /// <summary>Asks the partition's owner to let go of its files.</summary>
    public void Rest()
    {
        Volatile.Write(ref _isToRest, true);
        post(CommandKind.Rest);
    }

    /// <summary>Has work that waits for files done. What was asked to let go of its files goes first: behind all that wait to open theirs,
    /// it would let go when they had opened them all.</summary>
    public void Wait(Action work) => storage.Threads.Run(work, Volatile.Read(ref _isToRest));

    public MemoryBudget ReadAheadBudget => storage.ReadAheadBudget;

    public void Run(Action work) => storage.Threads.Run(work);

    // Not on this thread, which others need to have their files read.
    public void Filled() => ThreadPool.UnsafeQueueUserWorkItem(
        static self => self.Post(CommandKind.Fetched), this, preferLocal: false);

    public PartitionState Load() => topic.IsNew ? PartitionState.Empty : storage.Metadata.ReadPartition(topic.Id, number);

    public void Save(PartitionChanges changes, Action<Exception?> saved)
    {
        if (changes.CutTo is { } end)
            LocalLog.LogIsShort(storage.Logger, topic.Name, number, end, storage.PathOf(topic, number));
        _writer.Add(commands => commands.Save(topic.Id, number, changes), saved);
    }

    public void Save(RecoveryPoint point, Action<Exception?> saved) => _writer.Add(commands =>
    {
        if (!Volatile.Read(ref _hasNoPoint))
            commands.SavePoint(topic.Id, number, PointBlob.Write(point));
    }, saved);

    /// <summary>What a point names is damaged: there is none until the next start, which reads the log.</summary>
    public void RemovePoint()
    {
        if (!Interlocked.Exchange(ref _hasNoPoint, true))
            _writer.Add(commands => commands.RemovePoint(topic.Id, number));
    }

    public void TakeFiles() => _upkeep.GiveWay();

    public void Opened() => storage.Opened(this);

    public ValueTask MarkAsync()
    {
        if (_isMarked)
            return new(_mark!);
        _isMarked = true;
        var marked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _writer.Add(commands => commands.SaveOpen(topic.Id, number), failure =>
        {
            if (failure is null)
                marked.SetResult();
            else
                marked.SetException(failure);
        });
        return new(_mark = marked.Task);
    }

    public void Truncated(long startOffset)
    {
        Volatile.Write(ref _start, startOffset);
        if (Interlocked.Exchange(ref _startIsQueued, 1) != 0)
            return;
        _writer.Add(commands =>
        {
            Volatile.Write(ref _startIsQueued, 0);
            commands.SaveStart(topic.Id, number, Volatile.Read(ref _start));
        });
    }

    public void Closed(bool isWhole, long endOffset)
    {
        Volatile.Write(ref _isToRest, false);
        storage.Closed(this);
        if (!isWhole)
            return;
        _upkeep.Closed();
        if (!_isMarked)
            return;
        _isMarked = false;
        _writer.Add(commands => commands.SaveClosed(topic.Id, number, endOffset));
    }

    public void Deleted() => storage.Deleted(topic);

    /// <summary>Does to its segments what there is to do; called by one thread at a time, which is not the owner's.</summary>
    public void LookAfter(CancellationToken cancellationToken)
    {
        if (UpkeepPlan.For(storage.Options, topic, number) is { } plan)
            _upkeep.Run(plan, Log?.Journal, cancellationToken);
    }

    private void Post(CommandKind kind) => post(kind);
}

/// <summary>A topic that is stored.</summary>
/// <param name="id">Its number, which is never used again.</param>
/// <param name="name">Its name.</param>
/// <param name="isNew">Whether it was made in this run, so that nothing of it can be stored yet.</param>
internal sealed class LocalTopic(long id, string name, bool isNew)
{
    public long Id { get; } = id;

    public string Name { get; } = name;

    public bool IsNew { get; } = isNew;

    /// <summary>How its messages are compressed on disk. May be read from anywhere.</summary>
    public StorageCompression Compression { get; set; }

    /// <summary>How many partitions have to be deleted.</summary>
    public int Partitions { get; set; }

    public string DirectoryName => TopicDirectory.NameOf(Name, Id);
}
