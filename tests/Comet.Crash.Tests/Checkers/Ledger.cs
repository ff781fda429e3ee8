using Comet.Crash.Tests.Load;

namespace Comet.Crash.Tests.Checkers;

/// <summary>What the clients of one topic have done and were promised, and which promises were broken. Message n of a producer goes to
/// partition n modulo the number of partitions. Thread-safe.</summary>
/// <param name="topic">The topic's name, for sentences.</param>
/// <param name="partitions">How many partitions it has.</param>
/// <param name="producers">How many producers send.</param>
internal sealed class Ledger(string topic, int partitions, int producers)
{
    // The first broken promises tell what is wrong; a thousand more tell nothing.
    private const int MostOfAKind = 5;

    private readonly Lock _gate = new();
    private readonly List<Place>[] _sent = [.. Enumerable.Range(0, producers).Select(static _ => new List<Place>())];
    private readonly List<DateTimeOffset>[] _sentAt = [.. Enumerable.Range(0, producers).Select(static _ => new List<DateTimeOffset>())];
    private readonly List<SubscriptionLedger> _subscriptions = [];
    private readonly List<Breach> _breaches = [];
    private readonly Dictionary<Message, MessageId> _stored = [];
    private readonly int[,] _lastStored = Filled(producers, partitions);
    private int _confirmed;

    /// <summary>The broken promises that are known by now.</summary>
    public IReadOnlyList<Breach> Breaches
    {
        get
        {
            lock (_gate)
                return [.. _breaches];
        }
    }

    /// <summary>How many messages are confirmed.</summary>
    public int Confirmed => Volatile.Read(ref _confirmed);

    /// <summary>How many messages were read by <see cref="Stored"/>.</summary>
    public int StoredCount => _stored.Count;

    public SubscriptionLedger Subscribe(string name, bool isOrdered)
    {
        lock (_gate)
        {
            var added = new SubscriptionLedger(_gate, Report, $"'{name}' of {topic}", partitions, producers, isOrdered);
            _subscriptions.Add(added);
            return added;
        }
    }

    /// <summary>The next message of a producer, which is about to be sent.</summary>
    public Message Next(int producer)
    {
        lock (_gate)
        {
            _sent[producer].Add(Place.Unknown);
            _sentAt[producer].Add(TimeProvider.System.GetUtcNow());
            return new(producer, _sent[producer].Count - 1);
        }
    }

    public void Confirm(Message message, MessageId id)
    {
        lock (_gate)
        {
            if (id.Partition != message.Number % partitions)
                Report(BreachKind.Lost, $"{message} was confirmed in partition {id.Partition}");
            _sent[message.Producer][message.Number] = new(id.Partition, id.Offset);
            _confirmed++;
            foreach (var subscription in _subscriptions)
                subscription.Confirmed(message);
        }
    }

    public bool IsConfirmed(Message message)
    {
        lock (_gate)
            return _sent[message.Producer][message.Number] != Place.Unknown;
    }

    /// <summary>All messages that are confirmed.</summary>
    public List<Message> AllConfirmed()
    {
        lock (_gate)
        {
            return [.. _sent.SelectMany((places, producer) => places
                .Select((place, number) => (place, Message: new Message(producer, number)))
                .Where(static each => each.place != Place.Unknown).Select(static each => each.Message))];
        }
    }

    /// <summary>A message that is in the log; given from the first to the last of each partition.</summary>
    public void Stored(Message message, MessageId id)
    {
        lock (_gate)
        {
            if (!message.IsIntact)
            {
                Report(BreachKind.Changed, $"the payload at {id} is not that of {message}");
                return;
            }
            if (IsInvented(message, id))
                return;
            if (!_stored.TryAdd(message, id))
                Report(BreachKind.StoredTwice, $"{message} is stored at {_stored[message]} and at {id}");
            ref var last = ref _lastStored[message.Producer, id.Partition];
            if (message.Number < last)
                Report(BreachKind.OutOfOrder, $"{message} is stored behind {last}");
            last = Math.Max(last, message.Number);
        }
    }

    /// <summary>Everything was given to <see cref="Stored"/>: whatever was confirmed has to be there.</summary>
    public void CheckStored()
    {
        lock (_gate)
        {
            foreach (var (producer, places) in _sent.Index())
            {
                foreach (var (number, place) in places.Index().Where(static each => each.Item != Place.Unknown))
                {
                    if (!_stored.TryGetValue(new(producer, number), out var id) || new Place(id.Partition, id.Offset) != place)
                        Report(BreachKind.Lost, $"{producer}:{number} was confirmed at {place} and is not there");
                }
            }
        }
    }

    /// <summary>The storage of messages has failed at a time: of those that were sent later none may be confirmed.</summary>
    public void CheckNoMessageConfirmedBehind(DateTimeOffset error)
    {
        lock (_gate)
        {
            foreach (var (producer, places) in _sent.Index())
            {
                for (var number = places.Count - 1; number >= 0 && _sentAt[producer][number] > error; number--)
                {
                    if (places[number] != Place.Unknown)
                        Report(BreachKind.ConfirmedAfterError, $"{producer}:{number} was sent behind the error and confirmed");
                }
            }
        }
    }

    /// <summary>The storage of cursors has failed at a time: of the acks that were sent later none may be confirmed.</summary>
    public void CheckNoAckConfirmedBehind(DateTimeOffset error)
    {
        lock (_gate)
        {
            foreach (var subscription in _subscriptions)
                subscription.CheckNothingConfirmedBehind(error);
        }
    }

    /// <summary>Those of some messages that are not stored, and whether any message that was sent behind them by the same producer to the
    /// same partition is.</summary>
    public List<(Message Message, bool IsBehindAllStored)> Missing(IEnumerable<Message> messages)
    {
        lock (_gate)
        {
            return [.. messages.Where(message => !_stored.ContainsKey(message))
                .Select(message => (message, message.Number > _lastStored[message.Producer, message.Number % partitions]))];
        }
    }

    public void Report(BreachKind kind, string sentence)
    {
        lock (_gate)
        {
            if (_breaches.Count(breach => breach.Kind == kind) < MostOfAKind)
                _breaches.Add(new(kind, $"{topic}: {sentence}"));
        }
    }

    /// <summary>Reports a message that nobody has sent.</summary>
    public bool IsInvented(Message message, MessageId id)
    {
        lock (_gate)
        {
            if (message.Producer >= 0 && message.Producer < producers && message.Number < _sent[message.Producer].Count)
                return false;
            Report(BreachKind.Invented, $"{message} at {id} was never sent");
            return true;
        }
    }

    private static int[,] Filled(int producers, int partitions)
    {
        var all = new int[producers, partitions];
        for (var i = 0; i < all.Length; i++)
            all[i / partitions, i % partitions] = -1;
        return all;
    }

    private readonly record struct Place(int Partition, long Offset)
    {
        public static Place Unknown { get; } = new(-1, -1);
    }
}
