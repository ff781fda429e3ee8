using Comet.Crash.Tests.Load;

namespace Comet.Crash.Tests.Checkers;

/// <summary>What came to one subscription, and what it has acked.</summary>
/// <param name="gate">The lock of its ledger.</param>
/// <param name="report">Told of broken promises.</param>
/// <param name="name">For sentences.</param>
/// <param name="partitions">How many partitions the topic has.</param>
/// <param name="producers">How many producers send.</param>
/// <param name="isOrdered">Whether one consumer at a time gets all messages of a partition in their order.</param>
internal sealed class SubscriptionLedger(
    Lock gate, Action<BreachKind, string> report, string name, int partitions, int producers, bool isOrdered)
{
    private readonly List<State>[] _states = [.. Enumerable.Range(0, producers).Select(static _ => new List<State>())];
    private readonly int[,] _last = First(producers, partitions);
    private int _missing;
    private int _owed;
    private int _acked;

    [Flags]
    private enum Mark : byte
    {
        None = 0,
        Confirmed = 1,
        Received = 2,
        AckSent = 4,
        Acked = 8,
        Owed = 16,
    }

    /// <summary>How many acks are confirmed.</summary>
    public int Acked => Volatile.Read(ref _acked);

    /// <summary>Whether all that was confirmed has come, and all that a dead server had delivered in vain has come again.</summary>
    public bool IsDrained
    {
        get
        {
            lock (gate)
                return _missing == 0 && _owed == 0;
        }
    }

    public override string ToString()
    {
        lock (gate)
            return $"{name}: {_missing} have not come, {_owed} not come again, {_acked} acked";
    }

    public void Confirmed(Message message)
    {
        ref var state = ref At(message);
        state.Marks |= Mark.Confirmed;
        if ((state.Marks & Mark.Received) == 0)
            _missing++;
    }

    /// <summary>A message came.</summary>
    /// <param name="message">Which.</param>
    /// <param name="id">Where from.</param>
    /// <param name="epoch">In which life of the server.</param>
    public void Delivered(Message message, MessageId id, long epoch)
    {
        lock (gate)
        {
            if (!message.IsIntact)
            {
                report(BreachKind.Changed, $"the payload that came to {name} from {id} is not that of {message}");
                return;
            }
            ref var state = ref At(message);
            if ((state.Marks & Mark.Acked) != 0)
                report(BreachKind.AckedAndBack, $"{message} came to {name} when its ack was confirmed");
            ref var last = ref _last[message.Producer, id.Partition];
            if (isOrdered && message.Number > last + partitions)
                report(BreachKind.OutOfOrder, $"{message} came to {name} behind {last}");
            last = Math.Max(last, message.Number);
            if ((state.Marks & (Mark.Confirmed | Mark.Received)) == Mark.Confirmed)
                _missing--;
            if ((state.Marks & Mark.Owed) != 0)
                _owed--;
            state.Marks = (state.Marks | Mark.Received) & ~Mark.Owed;
            state.Epoch = epoch;
        }
    }

    public void AckSent(Message message)
    {
        lock (gate)
        {
            ref var state = ref At(message);
            state.Marks |= Mark.AckSent;
            state.AckSentAt = TimeProvider.System.GetUtcNow();
        }
    }

    public void AckConfirmed(Message message)
    {
        lock (gate)
        {
            At(message).Marks |= Mark.Acked;
            _acked++;
        }
    }

    /// <summary>A message was received from a server that has died, and no ack was sent: it has to come again, unless it has come to
    /// another consumer already.</summary>
    public void Owe(Message message, long epoch)
    {
        lock (gate)
        {
            ref var state = ref At(message);
            if (state.Epoch != epoch || (state.Marks & (Mark.AckSent | Mark.Owed)) != 0)
                return;
            state.Marks |= Mark.Owed;
            _owed++;
        }
    }

    /// <summary>The server has died, and its clients with it: whatever was received and not acked has to come again.</summary>
    public void OweAll()
    {
        lock (gate)
        {
            foreach (var states in _states)
            {
                foreach (ref var state in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(states))
                {
                    if ((state.Marks & (Mark.Received | Mark.AckSent | Mark.Owed)) != Mark.Received)
                        continue;
                    state.Marks |= Mark.Owed;
                    _owed++;
                }
            }
        }
    }

    /// <summary>The same knowledge once more, to be carried on by itself.</summary>
    public SubscriptionLedger Copy()
    {
        lock (gate)
        {
            var copy = new SubscriptionLedger(new(), report, name, partitions, producers, isOrdered);
            for (var i = 0; i < producers; i++)
                copy._states[i].AddRange(_states[i]);
            (copy._missing, copy._owed, copy._acked) = (_missing, _owed, _acked);
            Array.Copy(_last, copy._last, _last.Length);
            return copy;
        }
    }

    /// <summary>Counts, for each point of a message's way, whether any message is there.</summary>
    public void CountPoints(Dictionary<AckPoint, int> reached)
    {
        lock (gate)
        {
            foreach (var point in _states.SelectMany(static states => states).Select(static state => PointOf(state.Marks)).Distinct())
                reached[point] = reached.GetValueOrDefault(point) + 1;
        }
    }

    /// <summary>Whatever has not come by now does not come.</summary>
    public void CheckDrained()
    {
        lock (gate)
        {
            foreach (var (producer, states) in _states.Index())
            {
                foreach (var (number, state) in states.Index())
                {
                    if ((state.Marks & (Mark.Confirmed | Mark.Received)) == Mark.Confirmed)
                        report(BreachKind.NotDelivered, $"{producer}:{number} was confirmed and has not come to {name}");
                    else if ((state.Marks & Mark.Owed) != 0)
                        report(BreachKind.NotDelivered, $"{producer}:{number} was not acked and has not come again to {name}");
                }
            }
        }
    }

    /// <summary>No ack may be confirmed that was sent later.</summary>
    public void CheckNothingConfirmedBehind(DateTimeOffset error)
    {
        foreach (var (producer, states) in _states.Index())
        {
            foreach (var (number, state) in states.Index())
            {
                if ((state.Marks & Mark.Acked) != 0 && state.AckSentAt > error)
                    report(BreachKind.ConfirmedAfterError, $"{producer}:{number} was acked on {name} behind the error and confirmed");
            }
        }
    }

    private static AckPoint PointOf(Mark marks) => (marks & Mark.Acked) != 0 ? AckPoint.Acked
        : (marks & Mark.AckSent) != 0 ? AckPoint.AckSent
        : (marks & Mark.Received) != 0 ? AckPoint.Received : AckPoint.Waiting;

    private static int[,] First(int producers, int partitions)
    {
        var all = new int[producers, partitions];
        for (var i = 0; i < all.Length; i++)
            all[i / partitions, i % partitions] = (i % partitions) - partitions;
        return all;
    }

    private ref State At(Message message)
    {
        var states = _states[message.Producer];
        while (states.Count <= message.Number)
            states.Add(default);
        return ref System.Runtime.InteropServices.CollectionsMarshal.AsSpan(states)[message.Number];
    }

    private struct State
    {
        public Mark Marks;
        public long Epoch;
        public DateTimeOffset AckSentAt;
    }
}

/// <summary>How far a message is on its way through a subscription.</summary>
internal enum AckPoint
{
    /// <summary>It has not come yet.</summary>
    Waiting,

    /// <summary>It has come, and is in work.</summary>
    Received,

    /// <summary>Its ack was sent, and nobody has said that it was taken.</summary>
    AckSent,

    /// <summary>Its ack is confirmed.</summary>
    Acked,
}
