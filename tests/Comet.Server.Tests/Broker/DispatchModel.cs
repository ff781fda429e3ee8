using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Broker;

/// <summary>One shared subscription with consumers that come and go, and a plain account of each message beside it. Each delivery is
/// held against the account as it is made, in the order over all consumers.</summary>
internal sealed class DispatchModel : IDisposable
{
    private readonly long _maxOutstanding;
    private readonly PartitionRig _rig;
    private readonly Producer _producer;
    private readonly HashSet<long> _acked = [];
    private readonly Dictionary<long, Consumer> _held = [];
    private readonly Dictionary<long, long> _returnedDue = [];
    private readonly Dictionary<long, int> _deliveries = [];
    private readonly Dictionary<Consumer, (long Messages, long Bytes)> _permits = [];
    private long _published;
    private long _nextNew;
    private int _names;

    public DispatchModel(long maxOutstanding)
    {
        _maxOutstanding = maxOutstanding;
        _rig = new PartitionRig(new PartitionSettings { MaxOutstandingMessages = maxOutstanding });
        _producer = _rig.Attach("p");
    }

    public List<Consumer> Consumers { get; } = [];

    public long Delivered { get; private set; }

    public void Publish(int count, CompressionType compression)
    {
        var batch = Batches.Make("p", _published, count, padding: 20, compression);
        _published += count;
        _rig.Publish(_producer, batch);
        AssertSettled();
    }

    public void AddConsumer()
    {
        var peer = new FakePeer();
        var consumer = _rig.Subscribe($"c{_names++}", peer: peer);
        peer.OnSend = (frame, payload) => Account(consumer, (DeliverFrame)frame, payload);
        Consumers.Add(consumer);
        _permits[consumer] = (0, 0);
    }

    public void RemoveConsumer(Consumer consumer)
    {
        Consumers.Remove(consumer);
        foreach (var (offset, _) in _held.Where(h => h.Value == consumer).ToList())
        {
            _held.Remove(offset);
            _returnedDue[offset] = 0;
        }
        ((FakePeer)consumer.Peer).OnSend = null;
        _rig.Detach(consumer);
        AssertSettled();
    }

    public void Permit(Consumer consumer, long messages, long bytes)
    {
        var (oldMessages, oldBytes) = _permits[consumer];
        _permits[consumer] = (oldMessages + messages, oldBytes + bytes);
        Quietly(consumer, () => _rig.Permit(consumer, messages, bytes));
    }

    public void Ack(Consumer consumer, long first, long last, bool cumulative)
    {
        for (var offset = cumulative ? 0 : first; offset <= Math.Min(last, _nextNew - 1); offset++)
        {
            _held.Remove(offset);
            _returnedDue.Remove(offset);
            _acked.Add(offset);
        }
        Quietly(consumer, () => _rig.Ack(consumer, first, last, cumulative));
    }

    public void Nack(Consumer consumer, long first, long last, long delay)
    {
        foreach (var (offset, _) in _held.Where(h => h.Value == consumer && h.Key >= first && h.Key <= last).ToList())
        {
            _held.Remove(offset);
            _returnedDue[offset] = delay == 0 ? 0 : _rig.Now + delay;
        }
        Quietly(consumer, () => _rig.Nack(consumer, first, last, delay));
    }

    public void Pass(long time)
    {
        _rig.Now += time;
        _rig.Wake();
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
        AddConsumer();
        Pass(1_000_000);
        Permit(Consumers[0], 1 << 20, 1 << 30);
        for (var rounds = 0; _acked.Count < _published; rounds++)
        {
            Assert.True(rounds <= _published, "The rest is not delivered.");
            Ack(Consumers[0], 0, _nextNew - 1, cumulative: rounds % 2 == 0);
        }
        Assert.Equal(_published, Delivered);
    }

    public void Dispose() => _rig.Dispose();

    private void Account(Consumer consumer, DeliverFrame frame, byte[] payload)
    {
        var (messages, bytes) = _permits[consumer];
        Assert.True(messages > 0 && bytes > 0, "Sent without permits.");
        Assert.True(((FakePeer)consumer.Peer).HasSpace, "Sent without space.");
        Assert.Equal(consumer.Id, frame.ConsumerId);
        var batch = Batches.Read(payload);
        foreach (var (offset, text) in batch)
            Account(consumer, frame.DeliveryCount, offset, text);
        Assert.True(batch.Count <= messages, "More messages than permits.");
        Assert.True(_held.Count + _returnedDue.Count <= _maxOutstanding, "More is outstanding than allowed.");
        _permits[consumer] = (messages - batch.Count, bytes - payload.Length);
    }

    private void Account(Consumer consumer, int count, long offset, string text)
    {
        Assert.Equal($"m{offset}", text);
        Assert.DoesNotContain(offset, _acked);
        Assert.DoesNotContain(offset, _held.Keys);
        if (offset >= _nextNew)
        {
            Assert.Equal(_nextNew, offset);
            Assert.DoesNotContain(_returnedDue, r => r.Value <= _rig.Now);
            _nextNew++;
            Delivered++;
        }
        else
        {
            Assert.True(_returnedDue.Remove(offset, out var due) && due <= _rig.Now, "Delivered again too early.");
        }
        _deliveries[offset] = _deliveries.GetValueOrDefault(offset) + 1;
        Assert.Equal(_deliveries[offset], count);
        _held[offset] = consumer;
    }

    /// <summary>Runs a command of a consumer whose answer is of no interest here.</summary>
    private void Quietly(Consumer consumer, Action command)
    {
        var peer = (FakePeer)consumer.Peer;
        var account = peer.OnSend!;
        peer.OnSend = (frame, payload) =>
        {
            if (frame is not OkFrame)
                account(frame, payload);
        };
        command();
        peer.OnSend = account;
        AssertSettled();
    }

    /// <summary>What can be delivered is delivered, and the core's own books agree.</summary>
    private void AssertSettled()
    {
        var isDue = _returnedDue.Values.Any(due => due <= _rig.Now);
        var hasNew = _nextNew < _published && _held.Count + _returnedDue.Count < _maxOutstanding;
        foreach (var consumer in Consumers)
        {
            var (messages, bytes) = _permits[consumer];
            Assert.Equal(_held.Values.Count(c => c == consumer), consumer.Unacked);
            Assert.Equal((messages, bytes), (consumer.PermitMessages, consumer.PermitBytes));
            if (((FakePeer)consumer.Peer).HasSpace && messages > 0 && bytes > 0)
                Assert.False(isDue || hasNew, "A message waits though a consumer can take it.");
        }
    }
}
