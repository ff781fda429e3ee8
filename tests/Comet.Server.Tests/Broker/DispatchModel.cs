using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>One subscription of any type with consumers that come and go, and a plain account of each message beside it. Each delivery is
/// held against the account as it is made, in the order over all consumers: permits, count, due time, order and whose turn it is.</summary>
internal sealed class DispatchModel : IDisposable
{
    private readonly SubscriptionType _type;
    private readonly long _maxOutstanding;
    private readonly int _keys;
    private readonly SubscriptionSettings _settings;
    private readonly PartitionRig _rig;
    private readonly Producer _producer;
    private readonly HashSet<long> _acked = [];
    private readonly SortedDictionary<long, Message> _messages = [];
    private readonly Dictionary<string, Queue<long>> _undelivered = [];
    private readonly Dictionary<Consumer, (long Messages, long Bytes)> _permits = [];
    private readonly Dictionary<Consumer, bool> _active = [];
    private readonly List<DeadLetter> _letters = [];
    private readonly HashSet<(Consumer, long)> _lost = [];
    private long _published;
    private long _nextNew;
    private int _names;

    public DispatchModel(
        SubscriptionType type, long maxOutstanding, int keys, SubscriptionSettings settings, PlantedBug bug = PlantedBug.None)
    {
        (_type, _maxOutstanding, _keys, _settings) = (type, maxOutstanding, keys, settings);
        if (type == SubscriptionType.KeyShared && settings.Lease == 0)
            _settings = settings with { Lease = 5_000 };
        _rig = new PartitionRig(new PartitionSettings
        {
            MaxOutstandingMessages = maxOutstanding, DeadLetters = new Port(this), PlantedBug = bug,
        });
        _producer = _rig.Attach("p");
    }

    private enum Stage
    {
        Held,
        Returned,
        Dead,
    }

    /// <summary>In the order in which they are served: by priority, then who came first.</summary>
    public List<Consumer> Consumers { get; } = [];

    private bool IsOrdered => _type is SubscriptionType.Exclusive or SubscriptionType.Failover;

    public void Publish(int count, CompressionType compression)
    {
        var batch = Batches.Make("p", _published, count, padding: 20, compression, KeyOf);
        for (var offset = _published; offset < _published + count; offset++)
        {
            if (KeyOf(offset) is not { } key)
                continue;
            if (!_undelivered.TryGetValue(key, out var queue))
                _undelivered.Add(key, queue = new());
            queue.Enqueue(offset);
        }
        _published += count;
        _rig.Publish(_producer, batch);
        AssertSettled();
    }

    public void AddConsumer(int priority)
    {
        var isRefused = _type == SubscriptionType.Exclusive && Consumers.Count > 0;
        var index = Consumers.FindIndex(c => c.Priority > priority) is var found and >= 0 ? found : Consumers.Count;
        if (_type == SubscriptionType.Failover && index == 0 && Consumers.Count > 0)
            ReturnAll(Consumers[0]);
        var peer = new FakePeer();
        var consumer = _rig.Subscribe($"c{_names++}", "s", _type, peer: peer, priority: priority, settings: _settings);
        if (isRefused)
        {
            Assert.Equal(ErrorCode.ConsumerBusy, peer.Single<ErrorFrame>().Code);
            return;
        }
        foreach (var (frame, _, _) in peer.Sent.ToList())
            Take(consumer, frame, []);
        peer.OnSend = (frame, payload) => Take(consumer, frame, payload);
        Consumers.Insert(index, consumer);
        _permits[consumer] = (0, 0);
        AssertSettled();
    }

    public void RemoveConsumer(Consumer consumer)
    {
        Consumers.Remove(consumer);
        ReturnAll(consumer);
        ((FakePeer)consumer.Peer).OnSend = null;
        _rig.Detach(consumer);
        AssertSettled();
    }

    public void Permit(Consumer consumer, long messages, long bytes)
    {
        var (oldMessages, oldBytes) = _permits[consumer];
        _permits[consumer] = (oldMessages + messages, oldBytes + bytes);
        _rig.Permit(consumer, messages, bytes);
        AssertSettled();
    }

    public void Ack(Consumer consumer, long first, long last, bool cumulative)
    {
        cumulative &= IsOrdered;
        foreach (var offset in _messages.Keys.Where(o => (cumulative || o >= first) && o <= last).ToList())
        {
            _messages.Remove(offset);
            _acked.Add(offset);
        }
        _rig.Ack(consumer, first, last, cumulative);
        AssertSettled();
    }

    /// <param name="consumer">Who gives back.</param>
    /// <param name="first">The first of them.</param>
    /// <param name="last">The last one.</param>
    /// <param name="delay">How long they wait.</param>
    /// <param name="count">Which delivery is meant, which may be over for long; 0: the one that is held.</param>
    public void Nack(Consumer consumer, long first, long last, long delay, int count = 0)
    {
        foreach (var message in Held(consumer, first, last, count))
            Return(message, delay == GiveBackCause.ByPolicy ? _settings.Backoff.After(message.Deliveries) : delay);
        _rig.Nack(consumer, first, last, delay, count: count);
        AssertSettled();
    }

    public void GiveUp(Consumer consumer, long first, long last, int count = 0)
    {
        foreach (var message in Held(consumer, first, last, count))
            message.Stage = Stage.Dead;
        _rig.GiveUp(consumer, first, last, count: count);
        AssertSettled();
    }

    public void Extend(Consumer consumer, long first, long last, int count = 0)
    {
        foreach (var message in Held(consumer, first, last, count))
            message.Deadline = _settings.Lease > 0 ? _rig.Now + _settings.Lease : long.MaxValue;
        _rig.Extend(consumer, first, last, count);
        AssertSettled();
    }

    public void AnswerLetter(int which, bool isAccepted)
    {
        if (_letters.Count == 0)
            return;
        var letter = _letters[which % _letters.Count];
        _letters.Remove(letter);
        if (isAccepted && _messages.Remove(letter.Offset))
            _acked.Add(letter.Offset);
        _rig.Do(new(CommandKind.DeadLetterAnswered) { Detail = new DeadLetterAnswer(letter, isAccepted ? null : "full") });
        AssertSettled();
    }

    public void Pass(long time)
    {
        _rig.Now += time;
        var over = _messages.Values.Where(m => m.Stage == Stage.Held && m.Deadline <= _rig.Now).ToList();
        var expected = over.Select(static m => (m.Holder!, m.Offset)).ToHashSet();
        foreach (var message in over)
            Return(message, _settings.Backoff.After(message.Deliveries));
        _lost.Clear();
        _rig.Wake();
        Assert.True(expected.SetEquals(_lost), "A lease ended that should not, or one that should did not.");
        AssertSettled();
    }

    public void SetHasSpace(Consumer consumer, bool value)
    {
        ((FakePeer)consumer.Peer).HasSpace = value;
        _rig.Wake();
        AssertSettled();
    }

    /// <summary>One more consumer with all the permits there are takes and acks what is left: then nothing may be missing.</summary>
    public void Finish()
    {
        foreach (var consumer in Consumers.ToList())
            RemoveConsumer(consumer);
        AddConsumer(0);
        Permit(Consumers[0], 1 << 20, 1 << 30);
        for (var rounds = 0; _acked.Count < _published; rounds++)
        {
            Assert.True(rounds <= _published + 10, "The rest is not delivered.");
            Ack(Consumers[0], 0, _published, cumulative: rounds % 2 == 0);
            while (_letters.Count > 0)
                AnswerLetter(0, isAccepted: true);
            Pass(20_000_000);
        }
        Assert.Equal(_published, _nextNew);
    }

    public void Dispose() => _rig.Dispose();

    // Every eleventh message of those with keys has none.
    private string? KeyOf(long offset) =>
        _type != SubscriptionType.KeyShared || offset % 11 == 10 ? null : $"k{offset * 7 % 13 % _keys}";

    private List<Message> Held(Consumer consumer, long first, long last, int count = 0) => [.. _messages.Values.Where(m =>
        m.Stage == Stage.Held && m.Holder == consumer && m.Offset >= first && m.Offset <= last && (count == 0 || m.Deliveries == count))];

    private void ReturnAll(Consumer consumer) => Held(consumer, 0, long.MaxValue).ForEach(m => Return(m, 0));

    private void Return(Message message, long delay)
    {
        message.Stage = _settings.MaxDeliveries > 0 && message.Deliveries >= _settings.MaxDeliveries ? Stage.Dead : Stage.Returned;
        message.Due = delay == 0 ? 0 : _rig.Now + delay;
    }

    private void Take(Consumer consumer, object frame, byte[] payload)
    {
        switch (frame)
        {
            case DeliverFrame deliver:
                Account(consumer, deliver, payload);
                break;
            case ConsumerActivityFrame activity:
                _active[consumer] = activity.IsActive;
                break;
            case LeaseLostFrame lost:
                for (var i = 0; i < lost.Ranges.Length; i += 2)
                {
                    for (var offset = lost.Ranges[i]; offset <= lost.Ranges[i + 1]; offset++)
                        Assert.True(_lost.Add((consumer, offset)));
                }
                break;
            default:
                Assert.True(frame is OkFrame or SubscribedFrame, $"{frame}");
                break;
        }
    }

    private void Account(Consumer consumer, DeliverFrame frame, byte[] payload)
    {
        var (messages, bytes) = _permits[consumer];
        Assert.True(CanTake(consumer), "Sent without permits or space.");
        Assert.Equal(consumer.Id, frame.ConsumerId);
        Assert.True(_type != SubscriptionType.Failover || consumer == Consumers[0], "Sent to a consumer that is not the active one.");
        Assert.True(_type != SubscriptionType.Shared || !Consumers.Exists(c => c.Priority < consumer.Priority && CanTake(c)),
            "Sent to a consumer of a higher level while one of a lower could take it.");
        var batch = Batches.Read(payload);
        foreach (var (offset, text) in batch)
            Account(consumer, frame.DeliveryCount, offset, text);
        Assert.True(batch.Count <= messages, "More messages than permits.");
        Assert.True(_messages.Count <= _maxOutstanding, "More is outstanding than allowed.");
        _permits[consumer] = (messages - batch.Count, bytes - payload.Length);
    }

    private void Account(Consumer consumer, int count, long offset, string text)
    {
        Assert.Equal($"m{offset}", text);
        Assert.DoesNotContain(offset, _acked);
        var isFirst = !_messages.TryGetValue(offset, out var message);
        if (isFirst)
            _messages.Add(offset, message = new Message(offset));
        AssertInOrder(consumer, message!, isFirst);
        Assert.True(isFirst || (message!.Stage == Stage.Returned && message.Due <= _rig.Now), "Delivered again too early, or held.");
        Assert.Equal(++message!.Deliveries, count);
        (message.Stage, message.Holder) = (Stage.Held, consumer);
        message.Deadline = _settings.Lease > 0 ? _rig.Now + _settings.Lease : long.MaxValue;
    }

    private void AssertInOrder(Consumer consumer, Message message, bool isFirst)
    {
        var returned = _messages.Values.Where(m => m != message && m.Stage == Stage.Returned);
        if (_type == SubscriptionType.KeyShared)
        {
            _nextNew += isFirst ? 1 : 0;
            if (KeyOf(message.Offset) is not { } key)
                return;
            Assert.True(!isFirst || _undelivered[key].Dequeue() == message.Offset, "A new message overtook one of its key.");
            Assert.DoesNotContain(returned, m => KeyOf(m.Offset) == key && (isFirst || m.Offset < message.Offset));
            Assert.DoesNotContain(_messages.Values,
                m => m != message && KeyOf(m.Offset) == key && m.Stage == Stage.Held && m.Holder != consumer);
            return;
        }
        if (isFirst)
            Assert.Equal(_nextNew++, message.Offset);
        if (IsOrdered)
            Assert.DoesNotContain(returned, m => isFirst || m.Offset < message.Offset);
        else if (isFirst)
            Assert.DoesNotContain(returned, m => m.Due <= _rig.Now);
    }

    private bool CanTake(Consumer consumer) =>
        ((FakePeer)consumer.Peer).HasSpace && _permits[consumer] is { Messages: > 0, Bytes: > 0 };

    /// <summary>What can be delivered is delivered, and the core's own books agree.</summary>
    private void AssertSettled()
    {
        foreach (var consumer in Consumers)
        {
            var (messages, bytes) = _permits[consumer];
            Assert.Equal(_messages.Values.Count(m => m.Stage == Stage.Held && m.Holder == consumer), consumer.Unacked);
            Assert.Equal((messages, bytes), (consumer.PermitMessages, consumer.PermitBytes));
            Assert.True(_type != SubscriptionType.Failover || _active[consumer] == (consumer == Consumers[0]), "Told the wrong activity.");
        }
        var returned = _messages.Values.Where(static m => m.Stage == Stage.Returned).ToList();
        var hasRoom = _messages.Count < _maxOutstanding && _nextNew < _published;
        if (_type == SubscriptionType.KeyShared)
            AssertKeysSettled(returned);
        else if (Consumers.Exists(c => CanTake(c) && (_type != SubscriptionType.Failover || c == Consumers[0])))
            Assert.False(IsOrdered && returned.Count > 0 ? returned[0].Due <= _rig.Now : hasRoom || returned.Exists(m => m.Due <= _rig.Now),
                "A message waits though a consumer can take it.");
        AssertNextDue(returned);
    }

    private void AssertKeysSettled(List<Message> returned)
    {
        if (Consumers.FirstOrDefault()?.Subscription is not { Slots: { } slots } subscription)
            return;
        for (var slot = 0; slot < KeySlots.Count; slot++)
        {
            Assert.NotNull(slots.OwnerOf(slot));
        }
        var parked = Enumerable.Range(0, (int)subscription.NextOffset).Select(o => (long)o)
            .Where(o => !_acked.Contains(o) && !_messages.ContainsKey(o));
        foreach (var group in parked.Select(o => (Offset: o, Due: 0L)).Concat(returned.Select(m => (m.Offset, m.Due)))
            .GroupBy(m => KeySlots.SlotOf(System.Text.Encoding.UTF8.GetBytes(KeyOf(m.Offset) ?? ""), m.Offset)))
        {
            var owner = slots.OwnerOf(group.Key)!;
            var isFree = slots.HolderOf(group.Key) is not { } holder || holder == owner.Number;
            Assert.False(group.Min().Due <= _rig.Now && isFree && CanTake(owner), "A message waits though its key's consumer can take it.");
        }
        if (subscription.Outstanding < _maxOutstanding && Consumers.Exists(CanTake))
            Assert.Equal(_published, subscription.NextOffset);
    }

    /// <summary>The partition asks to be woken no later than the next delay or lease is over.</summary>
    private void AssertNextDue(List<Message> returned)
    {
        var due = returned.Where(m => m.Due > _rig.Now).Select(static m => m.Due)
            .Concat(_messages.Values.Where(static m => m.Stage == Stage.Held).Select(static m => m.Deadline));
        Assert.True(_rig.Partition.NextDue <= due.DefaultIfEmpty(long.MaxValue).Min(), "Nobody would wake it in time.");
    }

    private sealed class Message(long offset)
    {
        public long Offset { get; } = offset;

        public Stage Stage { get; set; }

        public Consumer? Holder { get; set; }

        public long Due { get; set; }

        public long Deadline { get; set; }

        public int Deliveries { get; set; }
    }

    private sealed class Port(DispatchModel model) : IDeadLetterPort
    {
        public void HandOver(string topic, IReadOnlyList<DeadLetter> letters, Action<PartitionCommand> answer)
        {
            foreach (var letter in letters)
            {
                Assert.Equal("t/s/dead-letters", topic);
                Assert.Equal((letter.Offset, $"m{letter.Offset}"), Assert.Single(Batches.Read(letter.Batch)));
                Assert.DoesNotContain(model._letters, l => l.Offset == letter.Offset);
                var message = model._messages[letter.Offset];
                Assert.Equal((Stage.Dead, letter.DeliveryCount), (message.Stage, message.Deliveries));
                model._letters.Add(letter);
            }
        }
    }
}
