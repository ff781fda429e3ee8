using System.Collections.Concurrent;
using System.Globalization;
using Comet.Client;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>Two producers and two consumers in this process, over whatever happens to the server, and what they were promised: a confirm,
/// and a confirmed ack.</summary>
internal sealed class DurableLoad : IAsyncDisposable
{
    private const int Producers = 2;
    private const int InFlight = 32;

    // What is received and not yet acked when the server goes has to come again.
    private const int AckTogether = 20;

    private readonly string _topic;
    private readonly CometClient _client;
    private readonly CancellationTokenSource _stopSending = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, long> _confirmed = new();
    private readonly int[] _attempted = new int[Producers];
    private readonly List<Listener> _listeners = [];
    private readonly ConcurrentQueue<string> _violations = new();
    private Task _sending = Task.CompletedTask;
    private TaskCompletionSource _progress = NewSignal();

    private DurableLoad(string topic, CometClient client) => (_topic, _client) = (topic, client);

    /// <summary>How many messages are confirmed.</summary>
    public int Confirmed => _confirmed.Count;

    /// <summary>How many acks are confirmed.</summary>
    public int Acked => _listeners.Sum(static l => l.Acked.Count);

    public static async Task<DurableLoad> StartAsync(string topic, string address)
    {
        var load = new DurableLoad(topic, await CometClient.ConnectAsync(new CometClientOptions
        {
            Addresses = [CometEndpoint.Parse(address)], DisposeTimeout = TimeSpan.FromSeconds(1),
        }));
        await load.ListenAsync("ordered", SubscriptionType.Exclusive);
        await load.ListenAsync("shared", SubscriptionType.Shared);
        var producers = new List<Producer<string>>();
        for (var i = 0; i < Producers; i++)
            producers.Add(await load._client.CreateProducerAsync<string>(topic, new() { ProducerName = $"p{i}" }));
        load._sending = Task.WhenAll(producers.Select((producer, i) => load.SendAsync(producer, i)));
        return load;
    }

    /// <summary>What is promised now: the messages that are confirmed with their offsets, and the acks of each subscription.</summary>
    public (Dictionary<string, long> Confirmed, Dictionary<string, HashSet<string>> Acked) Promised() =>
        (new(_confirmed), _listeners.ToDictionary(static l => l.Subscription, static l => l.Acked.Keys.ToHashSet()));

    /// <summary>Whether a message was ever sent.</summary>
    public bool WasSent(string value) => Parse(value) is var (producer, number) && number < Volatile.Read(ref _attempted[producer]);

    /// <summary>Whether a subscription has ever received a message, so that it may have acked it.</summary>
    public bool WasReceived(string subscription, string value) =>
        _listeners.Single(l => l.Subscription == subscription).Received.ContainsKey(value);

    /// <summary>Completes when so many messages more are confirmed, and so many acks.</summary>
    public Task GoOnAsync(int messages, int acks)
    {
        var (confirmed, acked) = (Confirmed + messages, Acked + acks);
        return WaitAsync(() => Confirmed >= confirmed && Acked >= acked,
            () => $"{Confirmed} of {confirmed} confirmed, {Acked} of {acked} acked");
    }

    /// <summary>Sends no more, and completes when both consumers have received all that was confirmed.</summary>
    public async Task DrainAsync()
    {
        await _stopSending.CancelAsync();
        await _sending;
        await WaitAsync(() => _listeners.TrueForAll(l => l.Owed.IsEmpty && _confirmed.Keys.All(l.Received.ContainsKey)),
            () => string.Join(", ", _listeners.Select(l =>
                $"'{l.Subscription}' has lost {_confirmed.Keys.Count(k => !l.Received.ContainsKey(k))} and gets {l.Owed.Count} no more "
                + "that it has not acked")));
    }

    /// <summary>Reads the topic from its beginning: what is in it has to be what was confirmed, and what may be there besides.</summary>
    public async Task CheckAsync()
    {
        var end = (await _client.Topics.DescribeAsync(_topic)).Partitions[0].EndOffset;
        await using var reader = await _client.CreateReaderAsync<string>(_topic);
        using var limit = new CancellationTokenSource(Limits.Wait);
        var stored = new Dictionary<string, long>(StringComparer.Ordinal);
        var last = Enumerable.Repeat(-1, Producers).ToArray();
        for (var offset = 0L; offset < end; offset++)
        {
            var delivery = await reader.ReceiveAsync(limit.Token);
            if (!stored.TryAdd(delivery.Value, delivery.Id.Offset))
                _violations.Enqueue($"{delivery.Value} is stored twice");
            var (producer, number) = Parse(delivery.Value);
            if (number <= last[producer])
                _violations.Enqueue($"{delivery.Value} is stored behind {last[producer]}");
            last[producer] = number;
            if (number >= Volatile.Read(ref _attempted[producer]))
                _violations.Enqueue($"{delivery.Value} was never sent");
        }
        foreach (var (value, offset) in _confirmed)
        {
            if (!stored.TryGetValue(value, out var found) || found != offset)
                _violations.Enqueue($"{value} was confirmed at {offset} and is not there");
        }
        Assert.Empty(_violations);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopSending.CancelAsync();
        await _stop.CancelAsync();
        await _sending;
        await Task.WhenAll(_listeners.Select(static l => l.Listening));
        await _client.DisposeAsync();
        _stopSending.Dispose();
        _stop.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static (int Producer, int Number) Parse(string value) =>
        (int.Parse(value.AsSpan(0, 1), CultureInfo.InvariantCulture), int.Parse(value.AsSpan(2), CultureInfo.InvariantCulture));

    private async Task WaitAsync(Func<bool> isDone, Func<string> state)
    {
        using var limit = new CancellationTokenSource(Limits.Wait);
        while (true)
        {
            var progress = Volatile.Read(ref _progress).Task;
            if (isDone())
                return;
            try
            {
                await progress.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"No progress: {state()}.");
            }
        }
    }

    private async Task SendAsync(Producer<string> producer, int number)
    {
        using var room = new SemaphoreSlim(InFlight);
        var sending = new List<Task>();
        try
        {
            while (true)
            {
                await room.WaitAsync(_stopSending.Token);
                var value = $"{number}:{_attempted[number]++}";
                sending.RemoveAll(static t => t.IsCompleted);
                sending.Add(ConfirmAsync(producer, value, room));
            }
        }
        catch (OperationCanceledException)
        {
            // Enough is sent.
        }
        await Task.WhenAll(sending);
    }

    private async Task ConfirmAsync(Producer<string> producer, string value, SemaphoreSlim room)
    {
        try
        {
            _confirmed[value] = (await producer.SendAsync(value, CancellationToken.None)).Offset;
            Signal();
        }
        catch (CometException e)
        {
            _violations.Enqueue($"{value} was not confirmed: {e.Message}");
        }
        finally
        {
            room.Release();
        }
    }

    private async Task ListenAsync(string subscription, SubscriptionType type)
    {
        var consumer = await _client.SubscribeAsync<string>(_topic, subscription, new()
        {
            Type = type, StartPosition = StartPosition.Earliest, ConfirmAcks = true,
        });
        var listener = new Listener(subscription);
        listener.Listening = ReceiveAsync(consumer, listener, type == SubscriptionType.Exclusive);
        _listeners.Add(listener);
    }

    private async Task ReceiveAsync(Consumer<string> consumer, Listener listener, bool isOrdered)
    {
        var last = Enumerable.Repeat(-1, Producers).ToArray();
        var held = new List<Delivery<string>>();
        try
        {
            await foreach (var delivery in consumer.ReadAllAsync(_stop.Token))
            {
                var (producer, number) = Parse(delivery.Value);
                if (listener.Acked.ContainsKey(delivery.Value))
                    _violations.Enqueue($"{delivery.Value} came to '{listener.Subscription}' when its ack was confirmed");
                if (isOrdered && number > last[producer] + 1)
                    _violations.Enqueue($"{delivery.Value} came to '{listener.Subscription}' behind {last[producer]}");
                last[producer] = Math.Max(last[producer], number);
                listener.Received[delivery.Value] = true;
                Hold(delivery, listener, held);
                Signal();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The test is over.
        }
    }

    /// <summary>Keeps a message until there are some to ack; those of a server that has gone come again.</summary>
    private void Hold(Delivery<string> delivery, Listener listener, List<Delivery<string>> held)
    {
        if (held.Count > 0 && held[0].OwnershipEpoch != delivery.OwnershipEpoch)
        {
            foreach (var owed in held)
                listener.Owed[owed.Value] = true;
            held.Clear();
        }
        listener.Owed.TryRemove(delivery.Value, out _);
        held.Add(delivery);
        if (held.Count < AckTogether)
            return;
        foreach (var ready in held)
            _ = AckAsync(ready, listener);
        held.Clear();
    }

    private async Task AckAsync(Delivery<string> delivery, Listener listener)
    {
        try
        {
            await delivery.AckAsync(_stop.Token);
            listener.Acked[delivery.Value] = true;
            Signal();
        }
        catch (Exception e) when (e is CometException or OperationCanceledException)
        {
            // Whether it was taken is unknown: the message may come again.
        }
    }

    private void Signal() => Interlocked.Exchange(ref _progress, NewSignal()).TrySetResult();

    private sealed class Listener(string subscription)
    {
        public string Subscription => subscription;

        public ConcurrentDictionary<string, bool> Received { get; } = new();

        public ConcurrentDictionary<string, bool> Acked { get; } = new();

        /// <summary>What was received and not acked when the server went, and has not come again.</summary>
        public ConcurrentDictionary<string, bool> Owed { get; } = new();

        public Task Listening { get; set; } = Task.CompletedTask;
    }
}
