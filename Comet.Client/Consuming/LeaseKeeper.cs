using Comet.Wire;

namespace Comet.Client.Consuming;

/// <summary>The deliveries of a partition whose lease matters: those under a lease are extended until the program is through with them, and
/// those whose token somebody has asked for are told when they are lost. Guarded by the consumer's lock; a delivery without lease and
/// token costs nothing.</summary>
internal sealed class LeaseKeeper
{
    // Extended so often within a lease that one extension may be late or lost.
    private const int ExtensionsPerLease = 3;

    // A frame has its limit, and who acks every second message has many ranges.
    private const int MaxRanges = 4_096;

    private readonly PartitionConsumer _partition;
    private readonly TimeProvider _time;
    private readonly TimeSpan _maxExtension;
    private readonly ITimer? _timer;
    private readonly List<ReceivedBatch> _tracked = [];

    public LeaseKeeper(PartitionConsumer partition, ConsumerSettings settings, TimeProvider time)
    {
        (_partition, _time, _maxExtension) = (partition, time, settings.MaxLeaseExtension);
        HasLease = settings.Lease > TimeSpan.Zero;
        if (!HasLease || _maxExtension == TimeSpan.Zero)
            return;
        var period = settings.Lease / ExtensionsPerLease;
        _timer = time.CreateTimer(static self => ((LeaseKeeper)self!).ExtendHeld(), this, period, period);
    }

    public bool HasLease { get; }

    /// <summary>A batch has arrived.</summary>
    public void Arrived(ReceivedBatch batch)
    {
        if (!HasLease)
            return;
        batch.ArrivedAt = _time.GetTimestamp();
        Track(batch);
    }

    /// <summary>The token of one delivery, made when it is first asked for.</summary>
    public CancellationToken TokenOf(ReceivedBatch batch, int offsetDelta)
    {
        lock (_partition.Gate)
        {
            if (_partition.IsStale(batch) || batch.Tracking?.IsLost(offsetDelta) == true)
                return new CancellationToken(canceled: true);
            Track(batch);
            return batch.Tracking!.TokenOf(offsetDelta);
        }
    }

    /// <summary>Whether it is known that one delivery is lost.</summary>
    public bool IsLost(ReceivedBatch batch, int offsetDelta)
    {
        lock (_partition.Gate)
            return _partition.IsStale(batch) || batch.Tracking?.IsLost(offsetDelta) == true;
    }

    /// <summary>The program is through with a delivery.</summary>
    public void Settled(ReceivedBatch batch, int offsetDelta)
    {
        if (batch.Tracking is null)
            return;
        lock (_partition.Gate)
            Settle(batch, offsetDelta);
    }

    /// <summary>The program is through with deliveries that it names by their offsets. Called under the lock.</summary>
    public void Settled(long first, long last)
    {
        for (var i = _tracked.Count - 1; i >= 0; i--)
        {
            var batch = _tracked[i];
            var (from, to) = (Math.Max(first, batch.Header.BaseOffset), Math.Min(last, batch.Header.LastOffset));
            for (var offset = from; offset <= to && batch.Tracking is { Index: >= 0 }; offset++)
            {
                if (batch.Has((int)(offset - batch.Header.BaseOffset)))
                    Settle(batch, (int)(offset - batch.Header.BaseOffset));
            }
        }
    }

    /// <summary>The broker has taken deliveries back. Called under the lock; the caller cancels what is returned.</summary>
    public List<CancellationTokenSource> Lost(long[] ranges)
    {
        var lost = new List<CancellationTokenSource>();
        for (var i = _tracked.Count - 1; i >= 0; i--)
        {
            var batch = _tracked[i];
            for (var pair = 0; pair + 1 < ranges.Length; pair += 2)
            {
                var (from, to) = (Math.Max(ranges[pair], batch.Header.BaseOffset), Math.Min(ranges[pair + 1], batch.Header.LastOffset));
                for (var offset = from; offset <= to; offset++)
                {
                    if (batch.Has((int)(offset - batch.Header.BaseOffset)))
                        batch.Tracking!.Lose((int)(offset - batch.Header.BaseOffset), lost);
                }
            }
            if (batch.Tracking!.Left == 0)
                Untrack(batch);
        }
        return lost;
    }

    /// <summary>Everything that was delivered so far is lost: the attachment has ended. Called under the lock; the caller cancels what is
    /// returned.</summary>
    public List<CancellationTokenSource> LoseAll()
    {
        var lost = new List<CancellationTokenSource>();
        foreach (var batch in _tracked)
        {
            batch.Tracking!.LoseAll(lost);
            batch.Tracking.Index = -1;
        }
        _tracked.Clear();
        return lost;
    }

    public ValueTask DisposeAsync() => _timer?.DisposeAsync() ?? ValueTask.CompletedTask;

    private void Settle(ReceivedBatch batch, int offsetDelta)
    {
        if (batch.Tracking is not { Index: >= 0 } tracking)
            return;
        tracking.Settle(offsetDelta);
        if (tracking.Left == 0)
            Untrack(batch);
    }

    private void Track(ReceivedBatch batch)
    {
        batch.Tracking ??= new DeliveryTracking(batch.Header);
        if (batch.Tracking.Index >= 0)
            return;
        batch.Tracking.Index = _tracked.Count;
        _tracked.Add(batch);
    }

    private void Untrack(ReceivedBatch batch)
    {
        var (index, last) = (batch.Tracking!.Index, _tracked[^1]);
        _tracked[index] = last;
        last.Tracking!.Index = index;
        batch.Tracking.Index = -1;
        _tracked.RemoveAt(_tracked.Count - 1);
    }

    /// <summary>Extends what the program holds or will take, but for what it has held too long.</summary>
    private void ExtendHeld()
    {
        Connections.Connection? toFlush = null;
        lock (_partition.Gate)
        {
            foreach (var batches in _tracked.Where(b => _time.GetElapsedTime(b.ArrivedAt) < _maxExtension).GroupBy(b => b.DeliveryCount))
            {
                var held = new AckBuffer();
                foreach (var batch in batches)
                    toFlush = AddHeld(batch, held) ?? toFlush;
                if (held.Count > 0)
                    toFlush = _partition.SendExtension(held.Take(), batches.Key);
            }
        }
        toFlush?.Sender.Flush();
    }

    /// <summary>Adds what the program holds of a batch; returns the connection to flush when a frame became full.</summary>
    private Connections.Connection? AddHeld(ReceivedBatch batch, AckBuffer held)
    {
        Connections.Connection? toFlush = null;
        for (var delta = 0; delta <= batch.Header.LastOffsetDelta; delta++)
        {
            if (!batch.Tracking!.IsDone(delta) && batch.Has(delta))
                held.Add(batch.Header.BaseOffset + delta, batch.Header.BaseOffset + delta);
            if (held.RangeCount == MaxRanges)
                toFlush = _partition.SendExtension(held.Take(), batch.DeliveryCount);
        }
        return toFlush;
    }
}

/// <summary>Which deliveries of a batch the program is through with or has lost, and the tokens of those that were asked for one.</summary>
internal sealed class DeliveryTracking(in RecordBatchHeader header)
{
    private const int BitsPerWord = 64;

    private readonly ulong[] _done = new ulong[(header.LastOffsetDelta / BitsPerWord) + 1];
    private HashSet<int>? _lost;
    private Dictionary<int, CancellationTokenSource>? _tokens;
    private bool _areAllLost;

    /// <summary>Where the batch stands in its keeper's list; -1 when it is not there.</summary>
    public int Index { get; set; } = -1;

    /// <summary>How many deliveries the program is not through with.</summary>
    public int Left { get; private set; } = header.RecordCount;

    public bool IsLost(int offsetDelta) => _areAllLost || _lost?.Contains(offsetDelta) == true;

    public CancellationToken TokenOf(int offsetDelta)
    {
        _tokens ??= [];
        if (!_tokens.TryGetValue(offsetDelta, out var source))
            _tokens.Add(offsetDelta, source = new CancellationTokenSource());
        return source.Token;
    }

    public void Settle(int offsetDelta)
    {
        if (TryFinish(offsetDelta))
            _tokens?.Remove(offsetDelta);
    }

    public void Lose(int offsetDelta, List<CancellationTokenSource> lost)
    {
        if (!TryFinish(offsetDelta))
            return;
        (_lost ??= []).Add(offsetDelta);
        if (_tokens?.Remove(offsetDelta, out var source) == true)
            lost.Add(source);
    }

    public void LoseAll(List<CancellationTokenSource> lost)
    {
        _areAllLost = true;
        lost.AddRange(_tokens?.Values ?? Enumerable.Empty<CancellationTokenSource>());
        _tokens = null;
    }

    public bool IsDone(int offsetDelta) => (_done[offsetDelta / BitsPerWord] >> offsetDelta & 1) != 0;

    private bool TryFinish(int offsetDelta)
    {
        if (Left == 0 || IsDone(offsetDelta))
            return false;
        _done[offsetDelta / BitsPerWord] |= 1UL << offsetDelta;
        Left--;
        return true;
    }
}
