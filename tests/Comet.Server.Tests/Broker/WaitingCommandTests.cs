using System.Collections.Concurrent;
using Comet.Server.Broker;
using Comet.Server.Storage;
using Comet.Wire;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Server.Tests.Broker;

/// <summary>Commands that wait for files: they are carried out on another thread, and what comes meanwhile stands behind them. The test is
/// that thread.</summary>
public sealed class WaitingCommandTests : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private readonly ScriptedLog _log = new();
    private readonly ConcurrentQueue<Action> _disk = new();
    private readonly PartitionActor _actor;

    public WaitingCommandTests() => _actor = new PartitionActor(
        new Partition("t", 0, _log, new FencingToken(1), new PartitionSettings()), new FakeTimeProvider(), NullLogger.Instance,
        _disk.Enqueue);

    public void Dispose() => _actor.Dispose();

    [Fact]
    public async Task Who_posts_does_not_wait_and_what_comes_meanwhile_stands_behind_it()
    {
        _log.IsAway = true;
        var (producer, peer) = Attach();
        Publish(producer, 0);
        Publish(producer, 1);
        Assert.Empty(peer.Sent);
        Assert.Single(_disk);
        _log.IsAway = false;
        var confirmed = WhenConfirmed(peer, 2);
        RunDisk();
        await confirmed.WaitAsync(s_limit);
        Assert.Equal([0, 1], peer.Take<PublishedFrame>().Select(static frame => frame.BaseOffset));
        Assert.Empty(_disk);
        // At hand, so nobody is asked.
        Publish(producer, 2);
        Assert.Equal(2, peer.Single<PublishedFrame>().BaseOffset);
    }

    [Fact]
    public async Task A_batch_that_waits_does_not_change_when_its_buffer_is_used_again()
    {
        var (producer, peer) = Attach();
        _log.IsAway = true;
        var batch = Batches.Make("p", 0, 1);
        var buffer = batch.ToArray();
        Post(producer, buffer);
        buffer.AsSpan().Clear();
        _log.IsAway = false;
        var confirmed = WhenConfirmed(peer, 1);
        RunDisk();
        await confirmed.WaitAsync(s_limit);
        Assert.True(_log.TryRead(0, out var stored));
        Assert.Equal(Batches.Read(batch)[0].Text, Batches.Read(stored.Bytes.ToArray())[0].Text);
    }

    [Fact]
    public async Task A_partition_that_is_closed_while_it_is_opened_is_opened_and_closed_after_that()
    {
        _log.IsAway = true;
        var (producer, peer) = Attach();
        Publish(producer, 0);
        var closed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _actor.Post(new(CommandKind.Shutdown) { Detail = (Action)closed.SetResult });
        Publish(producer, 1);
        Assert.False(closed.Task.IsCompleted);
        _log.IsAway = false;
        while (!closed.Task.IsCompleted)
            await RunDiskAsync(closed.Task);
        Assert.True(_log.IsDisposed);
        var answers = peer.TakeAll();
        Assert.Single(answers.OfType<PublishedFrame>());
        Assert.Contains(answers.OfType<ProducerClosedFrame>(), static frame => frame.Code == ErrorCode.BrokerStopping);
    }

    [Fact]
    public async Task When_opening_fails_all_that_waited_is_answered()
    {
        var (producer, peer) = Attach();
        (_log.IsAway, _log.Fault) = (true, new IOException("The file is damaged"));
        Publish(producer, 0);
        Publish(producer, 1);
        var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _actor.Post(new(CommandKind.Wake) { Detail = (Action)woken.SetResult });
        RunDisk();
        await woken.Task.WaitAsync(s_limit);
        Assert.Equal(2, peer.Take<ErrorFrame>().Count(static frame => frame.Code == ErrorCode.StorageFailed));
        Assert.Empty(_disk);
    }

    [Fact]
    public async Task What_stands_in_the_queue_when_the_files_go_waits_as_well()
    {
        var (producer, peer) = Attach();
        peer.OnSend = (_, _) =>
        {
            peer.OnSend = null;
            _log.IsAway = true;
            Publish(producer, 1);
        };
        Publish(producer, 0);
        Assert.Equal(0, peer.Single<PublishedFrame>().BaseOffset);
        Assert.Single(_disk);
        _log.IsAway = false;
        var confirmed = WhenConfirmed(peer, 1);
        RunDisk();
        await confirmed.WaitAsync(s_limit);
    }

    [Fact]
    public async Task Who_waits_for_it_to_be_awake_is_told()
    {
        _log.IsAway = true;
        var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _actor.Post(new(CommandKind.Wake) { Detail = (Action)woken.SetResult });
        Assert.False(woken.Task.IsCompleted);
        RunDisk();
        await woken.Task.WaitAsync(s_limit);
    }

    private void RunDisk()
    {
        Assert.True(_disk.TryDequeue(out var work));
        work();
    }

    private async Task RunDiskAsync(Task until)
    {
        // What follows a command goes on in the pool, and comes back here when it waits itself.
        Action? work;
        while (!_disk.TryDequeue(out work) && !until.IsCompleted)
            await Task.Yield();
        work?.Invoke();
    }

    private static Task WhenConfirmed(FakePeer peer, int count)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        peer.OnSend = (frame, _) =>
        {
            if (frame is PublishedFrame && --count == 0)
                done.SetResult();
        };
        return done.Task;
    }

    private (Producer Producer, FakePeer Peer) Attach()
    {
        var isAway = _log.IsAway;
        _log.IsAway = false;
        var peer = new FakePeer();
        var producer = new Producer(peer, 1, "p", ProducerAccessMode.Shared, _actor);
        _actor.Post(new(CommandKind.AttachProducer) { Producer = producer, CorrelationId = 1 });
        peer.Single<ProducerReadyFrame>();
        _log.IsAway = isAway;
        return (producer, peer);
    }

    private static void Publish(Producer producer, long sequence) => Post(producer, Batches.Make("p", sequence, 1));

    private static void Post(Producer producer, byte[] batch) => producer.Partition!.Post(new(CommandKind.Publish)
    {
        Producer = producer, CorrelationId = 7, Batch = batch, Header = RecordBatch.Open(batch),
    });
}
