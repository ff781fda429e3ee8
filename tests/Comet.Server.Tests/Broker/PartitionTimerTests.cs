using Comet.Server.Broker;
using Comet.Server.Storage;
using Comet.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Server.Tests.Broker;

/// <summary>The one timer of a partition, on a clock whose timers fire when the test says so.</summary>
public sealed class PartitionTimerTests
{
    [Fact]
    public void A_timer_that_fires_before_its_time_is_armed_again_and_what_waits_is_delivered_when_it_is_due()
    {
        var time = new HandTime();
        var log = new ScriptedLog();
        using var actor = new PartitionActor(
            new Partition("t", 0, log, new FencingToken(1), new PartitionSettings()), time, NullLogger.Instance);
        var peer = new FakePeer();
        var consumer = new Consumer(peer, 1, "c", actor);
        var producer = new Producer(new FakePeer(), 2, "p", ProducerAccessMode.Shared, actor);
        actor.Post(new(CommandKind.AttachProducer) { Producer = producer, CorrelationId = 1 });
        actor.Post(new(CommandKind.AttachConsumer)
        {
            Consumer = consumer, CorrelationId = 2,
            Detail = new AttachRequest("s", SubscriptionType.Shared, SubscriptionKind.Durable, StartPosition.Earliest),
        });
        actor.Post(new(CommandKind.Permits) { Consumer = consumer, Number = 10, Bytes = 1000 });
        var batch = Batches.Make("p", 0, 1);
        actor.Post(new(CommandKind.Publish)
        {
            Producer = producer, CorrelationId = 3, Batch = batch, Header = RecordBatch.Open(batch)
        });
        actor.Post(new(CommandKind.Nack) { Consumer = consumer, Number = 50_000, Ranges = [0, 0] });
        peer.TakeAll();
        Assert.InRange(time.Wait.TotalMilliseconds, 50, 52);

        time.Advance(TimeSpan.FromMilliseconds(49.5));
        time.Fire();

        Assert.Empty(peer.TakeAll().OfType<DeliverFrame>());
        Assert.InRange(time.Wait.TotalMilliseconds, 0.5, 2);
        time.Advance(TimeSpan.FromMilliseconds(2));
        time.Fire();
        Assert.Equal(2, Assert.Single(peer.TakeAll().OfType<DeliverFrame>()).DeliveryCount);
    }

    [Fact]
    public void A_closed_partition_wants_no_timer_whatever_was_due()
    {
        using var log = new ScriptedLog();
        var store = new FakeStore { IsHeld = true };
        using var partition = new Partition("t", 0, log, new FencingToken(1), new PartitionSettings { Store = store });
        var producer = new Producer(new FakePeer(), 2, "p", ProducerAccessMode.Shared, null);
        partition.Handle(new(CommandKind.AttachProducer) { Producer = producer, CorrelationId = 1 }, 1);
        var batch = Batches.Make("p", 0, 1);
        partition.Handle(new(CommandKind.Publish)
        {
            Producer = producer, CorrelationId = 3, Batch = batch, Header = RecordBatch.Open(batch)
        }, 1);
        partition.Advance(1);
        Assert.NotEqual(long.MaxValue, partition.NextDue);
        partition.Handle(new(CommandKind.Delete), 2);
        Assert.Equal(long.MaxValue, partition.NextDue);
    }

    private sealed class HandTime : FakeTimeProvider
    {
        private TimerCallback? _callback;
        private object? _state;

        public TimeSpan Wait { get; private set; } = Timeout.InfiniteTimeSpan;

        public void Fire()
        {
            Wait = Timeout.InfiniteTimeSpan;
            _callback!(_state);
        }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (_callback, _state, Wait) = (callback, state, dueTime);
            return new HandTimer(this);
        }

        private sealed class HandTimer(HandTime time) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                time.Wait = dueTime;
                return true;
            }

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
