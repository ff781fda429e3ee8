using Comet.Server.Storage;
using Comet.Server.Storage.Memory;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>A memory log that can be told to be full, to fail, and to hold its commits until they are released.</summary>
internal sealed class ScriptedLog(long limit = long.MaxValue) : IPartitionLog, IDisposable
{
    private readonly MemoryPartitionLog _log = new(new MemoryBudget(limit), long.MaxValue);
    private TaskCompletionSource? _commit;
    private long _stable = -1;
    private long _prepared;

    public bool IsFull { get; set; }

    public Exception? Fault { get; set; }

    /// <summary>Whether its files would have to be opened.</summary>
    public bool IsAway { get; set; }

    public bool IsAtHand(bool toAppend) => !IsAway;

    public bool HoldsCommits { get; set; }

    public bool IsDisposed { get; private set; }

    public int Commits { get; private set; }

    /// <summary>Whether commits can be made by somebody else than the owner.</summary>
    public bool PreparesCommits { get; set; }

    public int CommitsHere { get; private set; }

    /// <summary>Called in the middle of a commit that somebody else makes.</summary>
    public Action? OnCommitHere { get; set; }

    public bool IsCommitting => _commit is not null;

    public long StartOffset => _log.StartOffset;

    public long StableOffset => _stable >= 0 ? _stable : _log.StableOffset;

    public long EndOffset => _log.EndOffset;

    public long Bytes => _log.Bytes;

    public Durability Durability { get => Durability.Disk; set => Level = value; }

    /// <summary>What the partition has asked for.</summary>
    public Durability Level { get; private set; }

    public string NoRoom => "the script says so";

    public long ReachedOffset(Durability level) => StableOffset;

    public bool TryAppend(FencingToken fence, ReadOnlySpan<byte> batch, in RecordBatchHeader header, long appendTime)
    {
        if (Fault is not null)
            throw Fault;
        return !IsFull && _log.TryAppend(fence, batch, header, appendTime);
    }

    public ValueTask CommitAsync(FencingToken fence, CancellationToken cancellationToken)
    {
        Commits++;
        Assert.Null(_commit);
        if (!HoldsCommits)
        {
            _stable = -1;
            return _log.CommitAsync(fence, cancellationToken);
        }
        if (_stable < 0)
            _stable = _log.StableOffset;
        var end = _log.EndOffset;
        _commit = new TaskCompletionSource();
        return new ValueTask(WaitAsync(_commit.Task, end));
    }

    public bool TryPrepareCommit(FencingToken fence)
    {
        if (!PreparesCommits)
            return false;
        Assert.Null(_commit);
        if (_stable < 0)
            _stable = _log.StableOffset;
        _prepared = _log.EndOffset;
        return true;
    }

    public void CommitPrepared()
    {
        CommitsHere++;
        OnCommitHere?.Invoke();
        _stable = _prepared;
    }

    public void ReleaseCommit()
    {
        var commit = _commit!;
        _commit = null;
        commit.SetResult();
    }

    public void FailCommit(Exception fault)
    {
        var commit = _commit!;
        _commit = null;
        commit.SetException(fault);
    }

    /// <summary>How many times it was read.</summary>
    public int Reads { get; private set; }

    public bool TryRead(long offset, out StoredBatch batch)
    {
        Reads++;
        return _log.TryRead(offset, out batch);
    }

    public bool TryReadKept(long offset, out StoredBatch batch) => _log.TryReadKept(offset, out batch);

    public bool HoldsBack => _log.HoldsBack;

    public void Keep(long offset) => _log.Keep(offset);

    public long FindByAppendTime(long time) => _log.FindByAppendTime(time);

    public long BytesFrom(long offset) => _log.BytesFrom(offset);

    public void TruncateBefore(FencingToken fence, long offset) => _log.TruncateBefore(fence, offset);

    public void Rest() => _log.Rest();

    public void Delete() => Dispose();

    public void Dispose()
    {
        IsDisposed = true;
        _log.Dispose();
    }

    private async Task WaitAsync(Task released, long end)
    {
        await released;
        _stable = end;
    }
}
