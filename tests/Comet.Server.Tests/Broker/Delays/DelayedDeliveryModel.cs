using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>A partition with subscriptions that come at different times, and beside it a plain account of when each message is due and
/// who has had it.</summary>
internal sealed class DelayedDeliveryModel : IDisposable
{
    private const long Tick = 1_000;

    private static readonly SubscriptionType[] s_types =
        [SubscriptionType.Shared, SubscriptionType.Exclusive, SubscriptionType.Failover, SubscriptionType.KeyShared];

    private readonly DelayRig _rig = new();
    private readonly List<long?> _due = [];
    private readonly HashSet<long> _released = [];
    private readonly HashSet<long> _plain = [];
    private readonly Dictionary<Consumer, HashSet<long>> _consumers = [];

    public void Step(int kind, long delay, int pick)
    {
        switch (kind)
        {
            case <= 2:
                Publish(delay, pick);
                break;
            case 3:
                Cancel(pick);
                break;
            case 4:
                Reschedule(delay, pick);
                break;
            case 5 when _consumers.Count < 6:
                Subscribe(pick);
                break;
            case 6:
                foreach (var consumer in _consumers.Keys)
                    _rig.Rig.Ack(consumer, pick, pick + delay, cumulative: delay % 2 == 0);
                break;
            default:
                _rig.Pass(Math.Max(0, delay) * Tick);
                break;
        }
        Check();
    }

    public void Finish()
    {
        Subscribe(0);
        _rig.Pass(1_000 * Tick);
        Check();
        Assert.Equal(0, _rig.Count());
    }

    public void Dispose() => _rig.Dispose();

    private void Publish(long delay, int pick)
    {
        var delays = Enumerable.Range(0, 1 + (pick % 5)).Select(i => i % 2 == 0 ? delay * Tick : (delay - i) * Tick).ToArray();
        _plain.UnionWith(delays.Index().Where(static d => d.Item == 0).Select(d => (long)_due.Count + d.Index));
        _due.AddRange(delays.Select(d => (long?)(_rig.Now + d)));
        Assert.IsType<PublishedFrame>(_rig.Publish(
            [.. delays.Select((d, i) => (d, (string?)$"k{i}"))], pick % 3 == 0 ? CompressionType.Lz4 : CompressionType.None));
        CheckReleased();
    }

    private void Cancel(int pick)
    {
        var (outcome, _) = _rig.Cancel(pick);
        Assert.Equal(Expect(pick, ScheduleOutcome.Done), outcome);
        if (outcome == ScheduleOutcome.Done)
            _due[pick] = null;
    }

    private void Reschedule(long delay, int pick)
    {
        var expected = Expect(pick, ScheduleOutcome.NotFound);
        // A time that has come delivers it before the answer is looked at.
        if (expected == ScheduleOutcome.Done)
            _due[pick] = _rig.Now + (delay * Tick);
        Assert.Equal(expected, _rig.Reschedule(pick, delay * Tick));
    }

    private ScheduleOutcome Expect(int pick, ScheduleOutcome whenCancelled)
    {
        if (pick >= _due.Count || _plain.Contains(pick))
            return ScheduleOutcome.NotFound;
        if (_due[pick] is null)
            return whenCancelled;
        return _released.Contains(pick) ? ScheduleOutcome.AlreadyDelivered : ScheduleOutcome.Done;
    }

    private void Subscribe(int pick)
    {
        var peer = new FakePeer();
        var consumer = _rig.Rig.Subscribe(
            $"c{_consumers.Count}", $"s{_consumers.Count}", s_types[pick % s_types.Length],
            pick % 12 == 1 ? SubscriptionKind.Reader : pick % 5 == 0 ? SubscriptionKind.Ephemeral : SubscriptionKind.Durable,
            peer: peer, settings: DelayRig.LongLease);
        var had = _consumers[consumer] = [];
        peer.OnSend = (frame, payload) =>
        {
            if (frame is not DeliverFrame deliver)
                return;
            Assert.Equal(1, deliver.DeliveryCount);
            foreach (var (offset, text) in Batches.Read(payload))
            {
                Assert.Equal($"m{offset}", text);
                Assert.True(_due[(int)offset] is { } due && due <= _rig.Now, "Delivered early, or though it was cancelled.");
                Assert.True(had.Add(offset), "Delivered twice.");
            }
        };
        _rig.Rig.Permit(consumer, 1 << 20);
    }

    private void Check()
    {
        CheckReleased();
        Assert.Equal(_due.Count - _due.Count(static d => d is null) - _released.Count, _rig.Count());
        foreach (var (_, had) in _consumers)
            Assert.Equal(_released.Order(), had.Order());
    }

    private void CheckReleased()
    {
        for (var offset = 0; offset < _due.Count; offset++)
        {
            if (_due[offset] is { } due && due <= _rig.Now)
                _released.Add(offset);
        }
    }
}
