using Comet.Server.Broker;
using Comet.Server.Topics;
using Comet.Wire;

namespace Comet.Server.DeadLetters;

/// <summary>The producer of one subscription's dead letters in one partition, inside the broker. One batch is on its way at a time; what
/// comes meanwhile gathers. A batch that the topic refuses is answered as refused, and comes again when its partition tries again: under
/// the same sequence ids, since nothing of it was stored.</summary>
/// <remarks>Called from any partition's owner. Nothing is posted while the lock is held, since a post may run another partition here and
/// now.</remarks>
internal sealed class DeadLetterProducer(TopicRegistry topics, string topic, string name) : IPeer
{
    private const int MaxBatchBytes = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<(DeadLetter Letter, Action<PartitionCommand> Answer)> _waiting = new();
    private readonly List<(DeadLetter Letter, Action<PartitionCommand> Answer)> _underWay = [];
    private readonly DeadLetterEncoder _encoder = new(name);
    private Producer? _producer;
    private long _sequence;
    private long _lastId;
    private bool _isReady;
    private bool _isBusy;

    public bool HasSpace => true;

    public void Enqueue(IReadOnlyList<DeadLetter> letters, Action<PartitionCommand> answer)
    {
        lock (_gate)
        {
            foreach (var letter in letters)
                _waiting.Enqueue((letter, answer));
            if (_isBusy)
                return;
            _isBusy = true;
        }
        Continue();
    }

    public void Send<TFrame>(in TFrame frame, ulong correlationId = 0, ReadOnlyMemory<byte> payload = default)
        where TFrame : struct, IFrame<TFrame>
    {
        switch ((object)frame)
        {
            case ProducerReadyFrame ready:
                (_sequence, _isReady) = (ready.LastSequenceId + 1, true);
                Continue();
                break;
            case PublishedFrame published:
                _sequence = published.BaseSequence + published.Count;
                Finish(null);
                break;
            case ErrorFrame error when correlationId != 0:
                // A full topic keeps its producer; otherwise it is attached anew.
                _isReady &= error.Code == ErrorCode.StorageFull;
                Finish($"{error.Code}: {error.Message}");
                break;
            case ProducerClosedFrame closed when closed.ProducerId == _producer?.Id:
                Lost($"{closed.Code}: {closed.Message}");
                break;
        }
    }

    public void PublishAnswered(int bytes)
    {
    }

    public void Forget(Producer producer)
    {
    }

    public void Forget(Consumer consumer)
    {
    }

    /// <summary>Attaches, or sends the next batch. Only one is inside: who has set the busy flag, or whom its answer comes to.</summary>
    private void Continue()
    {
        try
        {
            if (_isReady)
                Publish();
            else
                Attach();
        }
        catch (CometException e)
        {
            lock (_gate)
                TakeAll();
            Finish($"{e.Code}: {e.Message}");
        }
    }

    private void Attach()
    {
        var partition = topics.GetOrCreate(topic).Partitions[0];
        // The subscription has to be there before the first letter: it keeps the letters until somebody moves them back.
        var keeper = new Consumer(this, ++_lastId, name, partition);
        var keep = new AttachRequest(DeadLetterHeaders.RedriveSubscription, SubscriptionType.Exclusive, SubscriptionKind.Durable,
            StartPosition.Earliest);
        partition.Post(new(CommandKind.AttachConsumer) { Consumer = keeper, Detail = keep });
        partition.Post(new(CommandKind.DetachConsumer) { Consumer = keeper });
        _producer = new Producer(this, ++_lastId, name, ProducerAccessMode.Shared, partition);
        partition.Post(new(CommandKind.AttachProducer) { Producer = _producer, CorrelationId = 1 });
    }

    private void Publish()
    {
        lock (_gate)
        {
            _encoder.Reset();
            while (_encoder.Length < MaxBatchBytes && _waiting.TryDequeue(out var next))
            {
                _underWay.Add(next);
                _encoder.Add(next.Letter);
            }
            if (_underWay.Count == 0)
            {
                _isBusy = false;
                return;
            }
        }
        var batch = _encoder.Complete(_sequence);
        _producer!.Partition!.Post(new(CommandKind.Publish)
        {
            Producer = _producer, CorrelationId = 1, Batch = batch, Header = RecordBatchHeader.Read(batch.Span),
        });
    }

    private void Lost(string error)
    {
        lock (_gate)
        {
            _isReady = false;
            if (!_isBusy)
                return;
            TakeAll();
        }
        Finish(error);
    }

    private void TakeAll()
    {
        while (_waiting.TryDequeue(out var next))
            _underWay.Add(next);
    }

    /// <summary>Answers what is under way and goes on with what has come meanwhile.</summary>
    private void Finish(string? error)
    {
        (DeadLetter Letter, Action<PartitionCommand> Answer)[] answered;
        lock (_gate)
        {
            if (error is not null)
                TakeAll();
            answered = [.. _underWay];
            _underWay.Clear();
            if (error is not null)
                _isBusy = false;
        }
        foreach (var (letter, answer) in answered)
            answer(new(CommandKind.DeadLetterAnswered) { Detail = new DeadLetterAnswer(letter, error) });
        if (error is null)
            Continue();
    }
}
