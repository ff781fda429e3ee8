using System.Collections.Concurrent;
using Comet.Server.Broker;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Server.Sessions;

/// <summary>A session as partitions see it: where frames go, and which producers and consumers are its own. Called from the session's
/// receive loop and from any partition's owner.</summary>
internal sealed class SessionPeer : IPeer
{
    private readonly FrameSender _sender;
    private readonly CometServerOptions _options;
    private readonly ConcurrentDictionary<long, Producer> _producers = new();
    private readonly ConcurrentDictionary<long, Consumer> _consumers = new();
    private readonly LoneCommit _lone;
    private readonly Lock _gate = new();
    private TaskCompletionSource? _roomWaiter;
    private long _unansweredBytes;
    private long _lastId;
    private bool _isClosed;

    public SessionPeer(FrameSender sender, CometServerOptions options, LoneCommit lone)
    {
        (_sender, _options, _lone) = (sender, options, lone);
        _sender.SpaceAvailable = WakeConsumers;
    }

    public bool HasSpace => _sender.HasSpace;

    /// <summary>Whether less is published and unanswered than the limit.</summary>
    public bool HasRoom => Volatile.Read(ref _unansweredBytes) < _options.MaxInFlightPublishBytes;

    public void Send<TFrame>(in TFrame frame, ulong correlationId = 0, ReadOnlyMemory<byte> payload = default)
        where TFrame : struct, IFrame<TFrame> => _sender.Send(frame, correlationId, payload);

    public void PublishAnswered(int bytes)
    {
        TaskCompletionSource? waiter = null;
        lock (_gate)
        {
            _unansweredBytes -= bytes;
            if (_unansweredBytes < _options.MaxInFlightPublishBytes)
                (waiter, _roomWaiter) = (_roomWaiter, null);
        }
        waiter?.TrySetResult();
    }

    public void Forget(Producer producer) => _producers.TryRemove(producer.Id, out _);

    public void Forget(Consumer consumer) => _consumers.TryRemove(consumer.Id, out _);

    public void PublishReceived(int bytes)
    {
        bool isOnly;
        lock (_gate)
        {
            isOnly = _unansweredBytes == 0;
            _unansweredBytes += bytes;
        }
        _lone.Received(bytes, isOnly);
    }

    public bool TakesCommit(PartitionActor partition) => _lone.TryTake(partition);

    /// <summary>Completes when what is published and unanswered is below its limit.</summary>
    public ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        Task waiting;
        lock (_gate)
        {
            if (_unansweredBytes < _options.MaxInFlightPublishBytes)
                return ValueTask.CompletedTask;
            _roomWaiter ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting = _roomWaiter.Task;
        }
        return new ValueTask(waiting.InContextAsync().WaitAsync(cancellationToken));
    }

    public Producer AddProducer(string name, ProducerAccessMode accessMode, PartitionActor partition, Durability durability)
    {
        if (_producers.Count >= _options.MaxProducersPerConnection)
            throw TooMany("producers", _options.MaxProducersPerConnection);
        var producer = new Producer(this, ++_lastId, name, accessMode, partition) { Durability = durability };
        _producers[producer.Id] = producer;
        return producer;
    }

    public Consumer AddConsumer(string name, int priority, PartitionActor partition)
    {
        if (_consumers.Count >= _options.MaxConsumersPerConnection)
            throw TooMany("consumers", _options.MaxConsumersPerConnection);
        var consumer = new Consumer(this, ++_lastId, name, partition) { Priority = priority };
        _consumers[consumer.Id] = consumer;
        return consumer;
    }

    public Producer? FindProducer(long id) => _producers.GetValueOrDefault(id);

    public Consumer? FindConsumer(long id) => _consumers.GetValueOrDefault(id);

    public void ReportProgress()
    {
        foreach (var (_, consumer) in _consumers)
            consumer.Partition!.Post(new(CommandKind.ReportProgress) { Consumer = consumer });
    }

    /// <summary>The connection has ended: takes everything of it out of the partitions.</summary>
    public void DetachAll()
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            _isClosed = true;
        }
        foreach (var (_, producer) in _producers)
            producer.Partition!.Post(new(CommandKind.DetachProducer) { Producer = producer });
        foreach (var (_, consumer) in _consumers)
            consumer.Partition!.Post(new(CommandKind.DetachConsumer) { Consumer = consumer });
    }

    private void WakeConsumers()
    {
        foreach (var (_, consumer) in _consumers)
            consumer.Partition!.Post(new(CommandKind.Wake));
    }

    private static CometException TooMany(string what, int limit) =>
        new(ErrorCode.LimitExceeded, $"This connection has {limit} {what}, which is the broker's limit for one.");
}
