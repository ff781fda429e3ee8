using Comet.Server.Broker;
using Comet.Server.Storage;
using Comet.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Server.Tests.Broker;

public sealed class PartitionActorTests : IDisposable
{
    private readonly ScriptedLog _log = new();
    private readonly PartitionActor _actor;

    public PartitionActorTests() => _actor = new PartitionActor(
        new Partition("t", 0, _log, new FencingToken(1), new PartitionSettings()), new FakeTimeProvider(), NullLogger.Instance);

    public void Dispose() => _actor.Dispose();

    [Fact]
    public void What_is_published_during_a_commit_shares_the_next_one_and_is_confirmed_in_order()
    {
        _log.HoldsCommits = true;
        var (producer, peer) = Attach("p");
        for (var i = 0; i < 10; i++)
            Publish(producer, i);
        Assert.Equal(1, _log.Commits);
        Assert.Empty(peer.Sent);
        _log.ReleaseCommit();
        Assert.Equal(0, peer.Single<PublishedFrame>().BaseOffset);
        Assert.Equal(2, _log.Commits);
        _log.ReleaseCommit();
        Assert.Equal(Enumerable.Range(1, 9).Select(o => (long)o), peer.Take<PublishedFrame>().Select(p => p.BaseOffset));
        Assert.Equal(2, _log.Commits);
    }

    [Fact]
    public void When_a_commit_fails_what_waited_for_it_is_refused_and_the_partition_is_offline()
    {
        _log.HoldsCommits = true;
        var (producer, peer) = Attach("p");
        Publish(producer, 0);
        _log.FailCommit(new IOException("The disk is gone"));
        var frames = peer.TakeAll();
        Assert.Equal(ErrorCode.StorageFailed, Assert.Single(frames.OfType<ProducerClosedFrame>()).Code);
        Assert.Equal(ErrorCode.StorageFailed, Assert.Single(frames.OfType<ErrorFrame>()).Code);
        Assert.Equal(Batches.Make("p", 0, 1).Length, peer.AnsweredBytes);
        Assert.True(_log.IsDisposed);
        Publish(producer, 1);
        Assert.Equal(ErrorCode.StorageFailed, peer.Single<ErrorFrame>().Code);
        Assert.Equal(2 * Batches.Make("p", 0, 1).Length, peer.AnsweredBytes);
    }

    [Fact]
    public void When_an_append_fails_the_publish_is_answered_as_well_and_all_are_told()
    {
        var (producer, peer) = Attach("p");
        var consumer = new Consumer(new FakePeer(), 5, "c", _actor);
        _actor.Post(new(CommandKind.AttachConsumer)
        {
            Consumer = consumer, CorrelationId = 3,
            Detail = new AttachRequest("s", SubscriptionType.Shared, SubscriptionKind.Durable, StartPosition.Earliest),
        });
        _log.Fault = new IOException("The disk is full");
        Publish(producer, 0);
        var frames = peer.TakeAll();
        Assert.Equal(ErrorCode.StorageFailed, Assert.Single(frames.OfType<ProducerClosedFrame>()).Code);
        Assert.Equal(ErrorCode.StorageFailed, Assert.Single(frames.OfType<ErrorFrame>()).Code);
        Assert.Equal(Batches.Make("p", 0, 1).Length, peer.AnsweredBytes);
        Assert.Equal(ErrorCode.StorageFailed, Assert.Single(((FakePeer)consumer.Peer).Take<ConsumerClosedFrame>()).Code);
    }

    [Fact]
    public async Task Commands_of_many_threads_are_carried_out_one_at_a_time_and_each_once()
    {
        const int Each = 500;
        var producers = Enumerable.Range(0, 4).Select(i => Attach($"p{i}")).ToList();
        var inside = 0;
        foreach (var (_, peer) in producers)
        {
            peer.OnSend = (_, _) =>
            {
                Assert.Equal(1, Interlocked.Increment(ref inside));
                Interlocked.Decrement(ref inside);
            };
        }
        await Task.WhenAll(producers.Select(p => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++)
                Publish(p.Producer, i);
        })));
        // A command of this thread goes behind all others, so its answer says that they are done.
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var last = new FakePeer { OnSend = (_, _) => done.TrySetResult() };
        _actor.Post(new(CommandKind.AttachProducer) { Producer = new Producer(last, 99, "last", ProducerAccessMode.Shared, _actor) });
        await done.Task.WaitAsync(TimeSpan.FromSeconds(15));
        var offsets = producers.SelectMany(p => p.Peer.Take<PublishedFrame>().Select(f => f.BaseOffset)).ToList();
        Assert.Equal(Enumerable.Range(0, 4 * Each).Select(o => (long)o), offsets.Order());
    }

    private (Producer Producer, FakePeer Peer) Attach(string name)
    {
        var peer = new FakePeer();
        var producer = new Producer(peer, 1, name, ProducerAccessMode.Shared, _actor);
        _actor.Post(new(CommandKind.AttachProducer) { Producer = producer, CorrelationId = 1 });
        peer.Single<ProducerReadyFrame>();
        return (producer, peer);
    }

    private void Publish(Producer producer, long sequence)
    {
        var batch = Batches.Make(producer.Name, sequence, 1);
        _actor.Post(new(CommandKind.Publish)
        {
            Producer = producer, CorrelationId = 2, Batch = batch, Header = RecordBatch.Open(batch),
        });
    }
}
