using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>A partition under a policy that changes, and a plain account beside it: a list of batches, and for each subscription a set of
/// acked offsets. After each step both must agree on what is kept, what is acked, what has expired and what was dropped.</summary>
internal sealed class PolicyModel : IDisposable
{
    private readonly PartitionRig _rig = new();
    private readonly Producer _producer;
    private readonly List<Entry> _kept = [];
    private readonly SortedDictionary<string, Account> _accounts = new(StringComparer.Ordinal);
    private TopicPolicy _policy = TopicPolicy.Default;
    private long _end;

    public PolicyModel() => _producer = _rig.Attach("p");

    public void Publish(int count, int padding)
    {
        var batch = Batches.Make("p", _end, count, padding);
        ((FakePeer)_producer.Peer).TakeAll();
        var isRefused = _policy.BacklogQuota.Action == BacklogAction.RefuseProducers
            && _accounts.Values.Any(a => BacklogOf(a) >= _policy.BacklogQuota.MaxBytes);
        _rig.Publish(_producer, batch);
        Assert.Equal(isRefused, ((FakePeer)_producer.Peer).TakeAll().Single() is ErrorFrame { Code: ErrorCode.BacklogQuotaExceeded });
        if (!isRefused)
        {
            _kept.Add(new(_end, _end + count - 1, batch.Length, _rig.Now));
            _end += count;
        }
        Settle();
    }

    public void Pass(long time)
    {
        _rig.Now += time;
        _rig.Wake();
        Settle();
    }

    public void Change(TopicPolicy policy)
    {
        _policy = policy;
        _rig.Change(policy);
        Settle();
    }

    /// <summary>Subscribes when the name is not there, otherwise removes it.</summary>
    public void Toggle(string name)
    {
        if (_accounts.Remove(name, out var account))
        {
            _rig.Detach(account.Consumer);
            _rig.Unsubscribe(name);
        }
        else
        {
            var start = Start;
            var consumer = _rig.Subscribe("c", name);
            _rig.Permit(consumer, 1 << 30);
            _accounts.Add(name, new(consumer) { Acked = [.. Range(0, start)] });
        }
        Settle();
    }

    public void Seek(string name, long offset)
    {
        if (!_accounts.TryGetValue(name, out var account))
            return;
        var to = Math.Clamp(offset, Start, _end);
        _rig.Seek(name, StartPosition.FromOffset(offset));
        account.Consumer = _rig.Subscribe("c", name);
        _rig.Permit(account.Consumer, 1 << 30);
        account.Acked = [.. Range(0, to)];
        Settle();
    }

    public void Ack(string name, double at, int count)
    {
        if (!_accounts.TryGetValue(name, out var account) || _end == 0)
            return;
        var first = (long)(at * (_end - 1));
        var last = Math.Min(first + count, _end - 1);
        _rig.Ack(account.Consumer, first, last);
        account.Acked.UnionWith(Range(first, last + 1));
        Settle();
    }

    public void Dispose() => _rig.Dispose();

    private long Start => _kept.Count > 0 ? _kept[0].First : _end;

    private static IEnumerable<long> Range(long first, long end)
    {
        for (var offset = first; offset < end; offset++)
            yield return offset;
    }

    private void Settle()
    {
        foreach (var account in _accounts.Values)
        {
            Expire(account);
            DropOldest(account);
        }
        Retain();
        Assert.Equal((Start, _end), (_rig.Log.StartOffset, _rig.Log.EndOffset));
        Assert.Equal(_kept.Sum(static e => (long)e.Bytes), _rig.Log.Bytes);
        foreach (var (name, account) in _accounts)
        {
            var described = _rig.Describe(name);
            var unacked = Range(0, _end).Where(o => !account.Acked.Contains(o)).ToList();
            Assert.Equal(
                (unacked.Count, account.Expired, account.Dropped, unacked.Count > 0 ? unacked[0] : (long?)null),
                (described.Backlog, described.Expired, described.Dropped, described.OldestUnackedOffset));
            // Whatever the policy: what is not acked is there.
            Assert.All(unacked.Take(1), o => Assert.True(o >= _rig.Log.StartOffset, $"{o} is not acked and gone."));
        }
    }

    private void Expire(Account account)
    {
        if (_policy.MessageTtl == Timeout.InfiniteTimeSpan)
            return;
        foreach (var entry in _kept.Where(e => e.Time + (long)_policy.MessageTtl.TotalMicroseconds <= _rig.Now))
            account.Expired += Range(entry.First, entry.Last + 1).Count(account.Acked.Add);
    }

    private void DropOldest(Account account)
    {
        if (_policy.BacklogQuota.Action != BacklogAction.DropOldest)
            return;
        while (BacklogOf(account) > _policy.BacklogQuota.MaxBytes)
        {
            var oldest = _kept.First(e => Range(e.First, e.Last + 1).Any(o => !account.Acked.Contains(o)));
            if (oldest.Last + 1 == _end)
                return;
            account.Dropped += Range(oldest.First, oldest.Last + 1).Count(account.Acked.Add);
        }
    }

    private void Retain()
    {
        if (_policy.Retention.YieldsToRoom)
            return;
        var retention = _policy.Retention;
        var needed = _accounts.Values.Select(FirstUnacked).Append(_end).Min();
        while (_kept.Count > 0 && _kept[0].Last < needed)
        {
            // What would be left of what is acked, in whole batches, if the first one went.
            var left = _kept.Skip(1).Where(e => e.Last < needed).ToList();
            var isEnough = needed - 1 - _kept[0].Last >= retention.MaxMessages
                || left.Sum(static e => (long)e.Bytes) >= retention.MaxBytes
                || _rig.Now - _kept[0].Time >= (long?)retention.MaxAge?.TotalMicroseconds;
            if (!isEnough)
                return;
            _kept.RemoveAt(0);
        }
    }

    private long FirstUnacked(Account account) => Range(0, _end).Where(o => !account.Acked.Contains(o)).Append(_end).First();

    private long BacklogOf(Account account)
    {
        var first = Math.Max(FirstUnacked(account), Start);
        var bytes = _kept.Where(e => e.Last >= first).Sum(static e => (long)e.Bytes);
        var unacked = Range(first, _end).Count(o => !account.Acked.Contains(o));
        return first == _end ? 0 : unacked == _end - first ? bytes : (long)((double)bytes * unacked / (_end - first));
    }

    private sealed record Entry(long First, long Last, int Bytes, long Time);

    private sealed class Account(Consumer consumer)
    {
        public Consumer Consumer { get; set; } = consumer;

        public HashSet<long> Acked { get; set; } = [];

        public long Expired { get; set; }

        public long Dropped { get; set; }
    }
}
