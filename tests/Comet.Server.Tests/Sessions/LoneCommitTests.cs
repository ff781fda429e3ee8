using System.IO.Pipelines;
using Comet.Server.Broker;
using Comet.Server.Sessions;
using Comet.Server.Storage;
using Comet.Server.Tests.Broker;
using Comet.Transport;
using Comet.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Server.Tests.Sessions;

/// <summary>Commits on the thread that has received the publish.</summary>
public sealed class LoneCommitTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedLog _log = new() { PreparesCommits = true, HoldsCommits = true };
    private readonly LoneCommit _lone;
    private readonly SessionPeer _peer;
    private readonly PartitionActor _actor;
    private readonly Producer _producer;
    private int _sequence;

    public LoneCommitTests()
    {
        _lone = new LoneCommit(_time);
        var sender = new FrameSender(new Pipe().Writer, HeaderCodec.MessagePack, 1 << 20);
        _peer = new SessionPeer(sender, new CometServerOptions(), _lone);
        _actor = new PartitionActor(
            new Partition("t", 0, _log, new FencingToken(1), new PartitionSettings()), _time, NullLogger.Instance);
        _producer = _peer.AddProducer("p", ProducerAccessMode.Shared, _actor, Durability.None);
        _actor.Post(new(CommandKind.AttachProducer) { Producer = _producer, CorrelationId = 1 });
    }

    public void Dispose() => _actor.Dispose();

    [Fact]
    public void A_publish_that_came_alone_is_durable_when_the_receiving_thread_goes_on()
    {
        for (var i = 1; i <= 3; i++)
        {
            Burst(1);
            Assert.Equal((i, 0, i), (_log.CommitsHere, _log.Commits, (int)_log.StableOffset));
        }
    }

    [Fact]
    public void What_came_together_is_committed_in_the_background_so_that_more_can_be_received_meanwhile()
    {
        Burst(2);
        Assert.Equal((0, 1, 0), (_log.CommitsHere, _log.Commits, (int)_log.StableOffset));
        _log.ReleaseCommit();
        Assert.Equal((1, 2), (_log.Commits, (int)_log.StableOffset));
    }

    [Fact]
    public void What_comes_while_another_is_not_answered_is_committed_in_the_background()
    {
        Burst(2);
        Burst(1);
        _log.ReleaseCommit();
        Assert.Equal((0, 2), (_log.CommitsHere, _log.Commits));
        _log.ReleaseCommit();
        Assert.Equal(3, _log.StableOffset);
        Burst(1);
        Assert.Equal((1, 4), (_log.CommitsHere, (int)_log.StableOffset));
    }

    [Fact]
    public void A_large_batch_is_committed_in_the_background()
    {
        Burst(1, padding: 20_000);
        Assert.Equal((0, 1), (_log.CommitsHere, _log.Commits));
    }

    [Fact]
    public void A_slow_disk_is_waited_for_now_and_then_only()
    {
        _log.OnCommitHere = () => _time.Advance(TimeSpan.FromMilliseconds(5));
        for (var i = 0; i < 18; i++)
        {
            Burst(1);
            if (_log.IsCommitting)
                _log.ReleaseCommit();
        }
        Assert.Equal((2, 16, 18), (_log.CommitsHere, _log.Commits, (int)_log.StableOffset));
    }

    [Fact]
    public void What_others_publish_meanwhile_has_the_next_commit_and_is_not_taken_for_durable()
    {
        var other = new FakePeer();
        var producer = new Producer(other, 9, "other", ProducerAccessMode.Shared, _actor);
        _actor.Post(new(CommandKind.AttachProducer) { Producer = producer, CorrelationId = 1 });
        other.TakeAll();
        _log.OnCommitHere = () => Post(producer, 0, 0);
        Burst(1);
        Assert.Equal((1, 1), (_log.CommitsHere, _log.Commits));
        Assert.Empty(other.Sent);
        _log.ReleaseCommit();
        Assert.Equal(1, other.Single<PublishedFrame>().BaseOffset);
    }

    [Fact]
    public void When_the_flush_fails_the_partition_is_offline()
    {
        _log.OnCommitHere = () => throw new IOException("The disk is gone");
        Burst(1);
        Assert.True(_log.IsDisposed);
    }

    [Fact]
    public void A_partition_that_was_closed_meanwhile_has_no_failure()
    {
        _log.OnCommitHere = () =>
        {
            _actor.Post(new(CommandKind.Delete));
            throw new ObjectDisposedException("journal");
        };
        Burst(1);
        var other = new FakePeer();
        _actor.Post(new(CommandKind.AttachProducer)
        {
            Producer = new Producer(other, 9, "other", ProducerAccessMode.Shared, _actor), CorrelationId = 1,
        });
        Assert.Equal(ErrorCode.TopicDeleted, other.Single<ErrorFrame>().Code);
    }

    [Fact]
    public void Outside_of_a_burst_nobody_takes_a_commit()
    {
        _peer.PublishReceived(100);
        Post(_producer, _sequence++, 0);
        Assert.Equal((0, 1), (_log.CommitsHere, _log.Commits));
    }

    private void Burst(int publishes, int padding = 0)
    {
        _lone.BeginBurst();
        for (var i = 0; i < publishes; i++)
        {
            _peer.PublishReceived(Batches.Make("p", _sequence, 1, padding).Length);
            Post(_producer, _sequence++, padding);
        }
        _lone.EndBurst();
    }

    private void Post(Producer producer, int sequence, int padding)
    {
        var batch = Batches.Make(producer.Name, sequence, 1, padding);
        _actor.Post(new(CommandKind.Publish)
        {
            Producer = producer, CorrelationId = 7, Batch = batch, Header = RecordBatch.Open(batch),
        });
    }
}
