using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>A partition with one producer of scheduled messages, and one client that asks about them.</summary>
internal sealed class DelayRig : IDisposable
{
    private readonly Producer _producer;
    private readonly FakePeer _peer = new();

    public DelayRig(PartitionSettings? settings = null, long memoryLimit = long.MaxValue)
    {
        Rig = new PartitionRig(settings, memoryLimit);
        _producer = Rig.Attach("p");
        ((FakePeer)_producer.Peer).TakeAll();
    }

    /// <summary>So that nothing comes again for a lease that is over: this is about first deliveries.</summary>
    public static SubscriptionSettings LongLease { get; } = new() { Lease = 1L << 50 };

    public PartitionRig Rig { get; }

    public long Published { get; private set; }

    public long Now => Rig.Now;

    /// <summary>Publishes one batch; times are from now, 0 is none.</summary>
    public object Publish(params long[] delays) => Publish([.. delays.Select(d => (d, (string?)null))]);

    public object Publish((long Delay, string? Key)[] messages, CompressionType compression = CompressionType.None)
    {
        var batch = messages.Select(m => (m.Delay == 0 ? 0 : Rig.Now + m.Delay, m.Key)).ToArray();
        Rig.Publish(_producer, Batches.MakeDelayed("p", Published, batch, compression));
        var answer = Assert.Single(((FakePeer)_producer.Peer).TakeAll());
        if (answer is PublishedFrame)
            Published += messages.Length;
        return answer;
    }

    public void Pass(long time)
    {
        Rig.Now += time;
        Rig.Wake();
    }

    public (ScheduleOutcome Outcome, long Count) Cancel(long offset) => Ask(new CancelRequest(_peer, offset, null));

    public long CancelKey(string key) => Ask(new CancelRequest(_peer, -1, key)).Count;

    public ScheduleOutcome Reschedule(long offset, long delay) => Ask(new RescheduleRequest(_peer, offset, Rig.Now + delay)).Outcome;

    public long Count(string? key = null, long from = long.MinValue, long to = long.MaxValue) =>
        Ask(new CountRequest(_peer, key, from, to)).Count;

    public IReadOnlyList<ScheduledEntry> List(
        string? key = null, long from = long.MinValue, long to = long.MaxValue, DueOffset? after = null, int limit = 1000)
    {
        var start = after ?? new DueOffset(long.MinValue, -1);
        Do(new ListRequest(_peer, new("t", 0, key, from, to, start.Due, start.Offset, limit)));
        return _peer.Single<ScheduledPageFrame>().Messages;
    }

    public ErrorCode AskRefused(ScheduleRequest request)
    {
        Do(request);
        return _peer.Single<ErrorFrame>().Code;
    }

    public FakePeer Peer => _peer;

    public void Dispose() => Rig.Dispose();

    private (ScheduleOutcome Outcome, long Count) Ask(ScheduleRequest request)
    {
        Do(request);
        var answer = _peer.Single<ScheduleResultFrame>();
        return (answer.Outcome, answer.Count);
    }

    private void Do(ScheduleRequest request) => Rig.Do(new(CommandKind.Schedule) { Detail = request });
}
