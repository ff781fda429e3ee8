using Comet.Server.Broker;

namespace Comet.Server.Storage.Local;

/// <summary>A partition's rows in the metadata, and its place among the open ones.</summary>
internal sealed class LocalPartition(LocalTopic topic, int number, LocalStorage storage, Action rest)
    : ILocalPartitionRecord, IPartitionStore
{
    private readonly MetadataWriter _writer = storage.Writer;
    private Task? _mark;
    private bool _isMarked;
    private long _start;
    private int _startIsQueued;
    private bool _hasNoPoint;

    public long StartOffset => topic.IsNew ? 0 : storage.Metadata.ReadStartOffset(topic.Id, number);

    public bool HasFiles => !topic.IsNew && storage.Metadata.ReadHasFiles(topic.Id, number);

    public bool HasRoom => storage.Ballast.HasRoom;

    public bool MakeRoom() => storage.Ballast.Release();

    public long Patience => (long)storage.Options.AckInterval.TotalMicroseconds;

    public IDelayFiles? DelayFiles { get; init; }

    /// <summary>Its messages.</summary>
    public LocalPartitionLog? Log { get; set; }

    /// <summary>Asks the partition's owner to let go of its files.</summary>
    public void Rest() => rest();

    public PartitionState Load() => topic.IsNew ? PartitionState.Empty : storage.Metadata.ReadPartition(topic.Id, number);

    public void Save(PartitionChanges changes, Action<Exception?> saved) =>
        _writer.Add(commands => commands.Save(topic.Id, number, changes), saved);

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

    public void Opened() => storage.Opened(this);

    public ValueTask MarkAsync()
    {
        if (_isMarked)
            return new(_mark!);
        _isMarked = true;
        var marked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _writer.Add(commands => commands.SaveOpen(topic.Id, number, isOpen: true), failure =>
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

    public void Closed(bool isWhole)
    {
        storage.Closed(this);
        if (!_isMarked || !isWhole)
            return;
        _isMarked = false;
        _writer.Add(commands => commands.SaveOpen(topic.Id, number, isOpen: false));
    }

    public void Deleted() => storage.Deleted(topic);
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

    /// <summary>How many partitions have to be deleted.</summary>
    public int Partitions { get; set; }

    public string DirectoryName => TopicDirectory.NameOf(Name, Id);
}
