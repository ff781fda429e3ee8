using Comet.Server.Broker;
using Comet.Wire;
using CsCheck;

namespace Comet.Server.Tests.Broker;

/// <summary>A partition that is killed again and again in the middle of publishing, delivering, acking and saving: whatever was acked with
/// a confirm does not come again, and everything else comes until it is acked.</summary>
public sealed class RestoreModelTests
{
    private static readonly Gen<List<(Do What, int Number)>> s_steps = Gen.Select(
        Gen.Frequency((4, Gen.Const(Do.Publish)), (2, Gen.Const(Do.PublishLater)), (4, Gen.Const(Do.Ack)), (3, Gen.Const(Do.Nack)),
            (2, Gen.Const(Do.Wait)), (2, Gen.Const(Do.Save)), (1, Gen.Const(Do.Cancel)), (2, Gen.Const(Do.Kill))),
        Gen.Int[0, 1000], (what, number) => (what, number)).List[5, 60];

    private enum Do
    {
        Publish,
        PublishLater,
        Ack,
        Nack,
        Wait,
        Save,
        Cancel,
        Kill,
    }

    [Theory]
    [InlineData(SubscriptionType.Shared)]
    [InlineData(SubscriptionType.Exclusive)]
    [InlineData(SubscriptionType.KeyShared)]
    public void What_is_acked_with_a_confirm_is_gone_and_all_else_comes(SubscriptionType type) => s_steps.Sample(steps =>
    {
        var run = new Run(type);
        foreach (var (what, number) in steps)
            run.Take(what, number);
        run.Finish();
    }, iter: 400);

    private sealed class Run
    {
        private const long Delay = 500;

        private readonly SubscriptionType _type;
        private readonly FakeStore _store = new();
        private readonly HashSet<long> _open = [];
        private readonly HashSet<long> _later = [];
        private readonly HashSet<long> _gone = [];
        private readonly Dictionary<ulong, long> _asked = [];
        private readonly List<long> _held = [];
        private PartitionRig _rig;
        private Consumer _consumer;
        private ulong _lastId = 1_000_000;
        private long _last = -1;

        public Run(SubscriptionType type)
        {
            _type = type;
            _rig = new PartitionRig(Settings);
            _consumer = Attach();
        }

        private PartitionSettings Settings => new() { Store = _store };

        public void Take(Do what, int number)
        {
            switch (what)
            {
                case Do.Publish:
                    Publish(number % 4 + 1, 0);
                    break;
                case Do.PublishLater:
                    Publish(number % 3 + 1, Delay);
                    break;
                case Do.Ack when _held.Count > 0:
                    var acked = _held[number % _held.Count];
                    _held.Remove(acked);
                    _asked[++_lastId] = acked;
                    Handle(new(CommandKind.Ack) { Consumer = _consumer, Ranges = [acked, acked], CorrelationId = _lastId });
                    break;
                case Do.Nack when _held.Count > 0:
                    var given = _held[number % _held.Count];
                    _held.Remove(given);
                    Handle(new(CommandKind.Nack) { Consumer = _consumer, Ranges = [given, given], Number = number % 2 == 0 ? 0 : Delay });
                    break;
                case Do.Wait:
                    _rig.Now += number;
                    Handle(new(CommandKind.Wake));
                    break;
                case Do.Save:
                    if (_store.Pending > 0)
                        _store.Complete();
                    _store.IsHeld = number % 3 > 0;
                    Settle();
                    break;
                case Do.Cancel when _later.Count > 0:
                    Cancel(_later.Order().ElementAt(number % _later.Count));
                    break;
                case Do.Kill:
                    Kill();
                    break;
            }
        }

        public void Finish()
        {
            Kill();
            for (var i = 0; i < 20 && _open.Count > 0; i++)
            {
                _rig.Now += Delay;
                Handle(new(CommandKind.Wake));
                foreach (var offset in _held.ToArray())
                    Handle(new(CommandKind.Ack) { Consumer = _consumer, Ranges = [offset, offset] });
                _open.ExceptWith(_held);
                _held.Clear();
            }
            Assert.Empty(_open);
            Assert.Equal(_rig.Log.EndOffset, _rig.Describe("s").AckedUpTo);
        }

        private void Publish(int count, long delay)
        {
            var first = _rig.Log.EndOffset;
            var producer = _rig.Attach("p");
            var messages = Enumerable.Range(0, count).Select(i => (delay == 0 ? 0 : _rig.Now + delay, (string?)$"k{(first + i) % 3}"));
            _rig.Publish(producer, Batches.MakeDelayed("p", first, [.. messages]));
            _rig.Detach(producer);
            for (var i = 0; i < count; i++)
            {
                _open.Add(first + i);
                if (delay > 0)
                    _later.Add(first + i);
            }
            Settle();
        }

        private void Cancel(long offset)
        {
            var peer = new FakePeer();
            _store.IsHeld = false;
            while (_store.Pending > 0)
                _store.Complete();
            Handle(new(CommandKind.Schedule) { Detail = new CancelRequest(peer, offset, null), CorrelationId = ++_lastId });
            if (peer.Single<ScheduleResultFrame>().Outcome == ScheduleOutcome.Done)
                Forget(offset);
            _later.Remove(offset);
        }

        /// <summary>The process is gone: what was not saved is lost, and so is who was connected.</summary>
        private void Kill()
        {
            var (log, now) = (_rig.Log, _rig.Now);
            _store.Lose();
            _store.IsHeld = false;
            _rig = new PartitionRig(Settings, log: log) { Now = now };
            _held.Clear();
            _asked.Clear();
            _last = -1;
            _consumer = Attach();
        }

        private Consumer Attach()
        {
            var consumer = _rig.Subscribe("c", type: _type);
            _consumer = consumer;
            Settle();
            _rig.Permit(consumer, 1000);
            Settle();
            return consumer;
        }

        private void Handle(PartitionCommand command)
        {
            _rig.Partition.Handle(command, _rig.Now);
            _rig.Partition.Advance(_rig.Now);
            Settle();
        }

        /// <summary>Takes in what has come back to the partition, and what it has sent.</summary>
        private void Settle()
        {
            while (_rig.Inbox.TryDequeue(out var command))
            {
                _rig.Partition.Handle(command, _rig.Now);
                _rig.Partition.Advance(_rig.Now);
            }
            var peer = (FakePeer)_consumer.Peer;
            foreach (var (frame, correlationId, payload) in peer.Sent.ToArray())
            {
                if (frame is OkFrame && _asked.Remove(correlationId, out var acked))
                    Forget(acked);
                if (frame is DeliverFrame)
                    Deliver([.. Batches.Read(payload).Select(static m => m.Offset)]);
            }
            peer.Sent.Clear();
        }

        private void Forget(long offset)
        {
            _open.Remove(offset);
            _gone.Add(offset);
        }

        private void Deliver(long[] offsets)
        {
            foreach (var offset in offsets)
            {
                Assert.DoesNotContain(offset, _gone);
                Assert.True(_rig.Now >= 0 && !_held.Contains(offset), $"Message {offset} came twice at the same time.");
                _held.Add(offset);
                _last = Math.Max(_last, offset);
            }
        }
    }
}
