using Comet.Client;
using Comet.Crash.Tests.Checkers;
using Comet.Integration.Tests.Processes;

namespace Comet.Crash.Tests.Load;

/// <summary>Producers and consumers of one topic in this process, which go on over whatever happens to the server, and write down what
/// they were promised.</summary>
internal sealed class Workload : IAsyncDisposable
{
    // Longer than any server is away.
    private static readonly TimeSpan s_longPatience = TimeSpan.FromMinutes(2);

    private readonly Traffic _traffic;
    private readonly CometClient _producing;
    private readonly CometClient _consuming;
    private readonly CancellationTokenSource _stopSending = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<SubscriptionLedger> _subscriptions = [];
    private readonly List<Task> _consumers = [];
    private readonly Progress _progress = new();
    private readonly bool[] _refused;
    private Task _sending = Task.CompletedTask;

    private Workload(Traffic traffic, CometClient producing, CometClient consuming)
    {
        (_traffic, _producing, _consuming) = (traffic, producing, consuming);
        _refused = new bool[traffic.Producers];
        Ledger = new(traffic.Topic, traffic.Partitions, traffic.Producers);
    }

    public Ledger Ledger { get; }

    public IReadOnlyList<SubscriptionLedger> Subscriptions => _subscriptions;

    /// <summary>Its own client, for questions.</summary>
    public CometClient Client => _consuming;

    public int Confirmed => Ledger.Confirmed;

    public int Acked => _subscriptions.Sum(static s => s.Acked);

    public static async Task<Workload> StartAsync(Traffic traffic, string address)
    {
        var load = new Workload(traffic, await ConnectAsync(address), await ConnectAsync(address));
        await load._consuming.Topics.CreateAsync(traffic.Topic, traffic.Partitions, policy: traffic.Policy);
        foreach (var subscription in traffic.Subscriptions)
            await load.ListenAsync(subscription);
        await load.BeginToSendAsync();
        return load;
    }

    /// <summary>A client that is quick to come back.</summary>
    public static Task<CometClient> ConnectAsync(string address) => CometClient.ConnectAsync(new CometClientOptions
    {
        Addresses = [CometEndpoint.Parse(address)],
        DisposeTimeout = TimeSpan.FromSeconds(1),
        Reconnect = new() { InitialDelay = TimeSpan.FromMilliseconds(20), MaxDelay = TimeSpan.FromMilliseconds(200) },
    });

    /// <summary>Completes when so many messages more are confirmed, and so many acks; or when the wait is cancelled.</summary>
    public Task GoOnAsync(int messages, int acks, CancellationToken cancelled = default)
    {
        var (confirmed, acked) = (Confirmed + messages, Acked + acks);
        return _progress.WaitAsync(
            () => Confirmed >= confirmed && Acked >= acked, () => $"{this}, wanted {confirmed} and {acked}", cancelled);
    }

    /// <summary>Sends no more; completes when all that was taken is answered.</summary>
    public async Task StopSendingAsync()
    {
        await _stopSending.CancelAsync();
        await _sending;
    }

    /// <summary>Sends one message more, when the others have been stopped.</summary>
    public async Task SendOneAsync()
    {
        var message = Ledger.Next(0);
        await using var producer = await CreateProducerAsync(0);
        Ledger.Confirm(message, await producer.SendAsync(message));
    }

    /// <summary>Sends no more, and completes when every subscription has received all that was confirmed.</summary>
    public async Task DrainAsync()
    {
        await StopSendingAsync();
        await _progress.WaitAsync(() => _subscriptions.TrueForAll(static s => s.IsDrained), ToString);
    }

    /// <summary>Reads the topic from its beginning and checks it; fails when any promise was broken.</summary>
    public async Task CheckAsync()
    {
        await ReadAllAsync(_consuming, _traffic.Topic, Ledger.Stored);
        Ledger.CheckStored();
        Assert.Empty(Ledger.Breaches);
    }

    /// <summary>Everything that is in a topic now, partition by partition in its order.</summary>
    public static async Task ReadAllAsync(CometClient client, string topic, Action<Message, MessageId> read)
    {
        using var limit = new CancellationTokenSource(Limits.Wait);
        var partitions = (await client.Topics.DescribeAsync(topic, limit.Token)).Partitions;
        await using var reader = await client.CreateReaderAsync<Message>(topic, new() { Serializer = Message.Serializer }, limit.Token);
        for (var left = partitions.Sum(static p => p.EndOffset - p.StartOffset); left > 0; left--)
        {
            var delivery = await reader.ReceiveAsync(limit.Token);
            read(delivery.Value, delivery.Id);
        }
    }

    public override string ToString() =>
        $"{_traffic.Topic}: {Confirmed} confirmed, {Acked} acked; {string.Join("; ", _subscriptions)}";

    /// <summary>Ends all clients; doing it again does nothing.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stopSending.CancelAsync();
        await _stop.CancelAsync();
        await _producing.DisposeAsync();
        await _sending;
        await Task.WhenAll(_consumers);
        await _consuming.DisposeAsync();
        _stopSending.Dispose();
        _stop.Dispose();
    }

    private async Task BeginToSendAsync()
    {
        var producers = new List<Producer<Message>>();
        for (var i = 0; i < _traffic.Producers; i++)
            producers.Add(await CreateProducerAsync(i));
        _sending = Task.WhenAll(producers.Select(SendAsync));
    }

    private Task<Producer<Message>> CreateProducerAsync(int number) => _producing.CreateProducerAsync<Message>(_traffic.Topic, new()
    {
        ProducerName = $"{_traffic.Topic}-{number}",
        Serializer = Message.Serializer,
        Router = static (message, partitions) => message.Value.Number % partitions,
        SendTimeout = _traffic.Patience ?? s_longPatience,
    });

    private async Task SendAsync(Producer<Message> producer, int number)
    {
        using var room = new SemaphoreSlim(_traffic.InFlight);
        try
        {
            while (!Volatile.Read(ref _refused[number]))
            {
                await room.WaitAsync(_stopSending.Token);
                _ = ConfirmAsync(producer, Ledger.Next(number), room);
            }
        }
        catch (OperationCanceledException)
        {
            // Enough is sent.
        }
        for (var i = 0; i < _traffic.InFlight; i++)
            await room.WaitAsync();
    }

    private async Task ConfirmAsync(Producer<Message> producer, Message message, SemaphoreSlim room)
    {
        try
        {
            Ledger.Confirm(message, await producer.SendAsync(message, CancellationToken.None));
            _progress.Signal();
        }
        catch (CometException e)
        {
            Volatile.Write(ref _refused[message.Producer], true);
            if (_traffic.Patience is null && !_stop.IsCancellationRequested)
                Ledger.Report(BreachKind.Refused, $"{message} was not confirmed: {e.Message}");
        }
        finally
        {
            room.Release();
        }
    }

    private async Task ListenAsync(Listening listening)
    {
        var ledger = Ledger.Subscribe(listening.Name, listening.IsOrdered);
        _subscriptions.Add(ledger);
        for (var i = 0; i < listening.Consumers; i++)
        {
            var consumer = await _consuming.SubscribeAsync<Message>(_traffic.Topic, listening.Name, new()
            {
                Type = listening.Type, StartPosition = StartPosition.Earliest, ConfirmAcks = true, Serializer = Message.Serializer,
            });
            _consumers.Add(ReceiveAsync(consumer, ledger));
        }
    }

    private async Task ReceiveAsync(Consumer<Message> consumer, SubscriptionLedger ledger)
    {
        var held = new List<Delivery<Message>>();
        try
        {
            await foreach (var delivery in consumer.ReadAllAsync(_stop.Token))
            {
                if (Ledger.IsInvented(delivery.Value, delivery.Id))
                    continue;
                ledger.Delivered(delivery.Value, delivery.Id, delivery.OwnershipEpoch);
                Hold(delivery, ledger, held);
                _progress.Signal();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The test is over.
        }
        catch (CometException e)
        {
            if (_traffic.Patience is null)
                Ledger.Report(BreachKind.Refused, $"{ledger} was ended: {e.Message}");
        }
    }

    /// <summary>Keeps a message until there are some to ack; those of a server that has gone come again.</summary>
    private void Hold(Delivery<Message> delivery, SubscriptionLedger ledger, List<Delivery<Message>> held)
    {
        if (held.Count > 0 && held[0].OwnershipEpoch != delivery.OwnershipEpoch)
        {
            foreach (var owed in held)
                ledger.Owe(owed.Value, owed.OwnershipEpoch);
            held.Clear();
        }
        held.Add(delivery);
        if (held.Count < _traffic.AckTogether)
            return;
        foreach (var ready in held)
            _ = AckAsync(ready, ledger);
        held.Clear();
    }

    private async Task AckAsync(Delivery<Message> delivery, SubscriptionLedger ledger)
    {
        try
        {
            ledger.AckSent(delivery.Value);
            await delivery.AckAsync(_stop.Token);
            ledger.AckConfirmed(delivery.Value);
            _progress.Signal();
        }
        catch (Exception e) when (e is CometException or OperationCanceledException)
        {
            // Whether it was taken is unknown: the message may come again.
        }
    }
}
