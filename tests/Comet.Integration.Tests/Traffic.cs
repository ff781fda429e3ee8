using System.Collections.Concurrent;
using Comet.Client;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>A producer that sends number after number and a consumer that receives them, in this process, until it is disposed.</summary>
internal sealed class Traffic : IAsyncDisposable
{
    private readonly CometClient _client;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<long, bool> _received = new();
    private readonly Task _sending;
    private readonly Task _receiving;
    private TaskCompletionSource _progress = NewSignal();
    private long _lastStarted = -1;
    private long _lastConfirmed = -1;

    private Traffic(CometClient client, Producer<string> producer, Consumer<string> consumer)
    {
        _client = client;
        _sending = SendAsync(producer);
        _receiving = ReceiveAsync(consumer);
    }

    public StateMonitor<ClientState> State => _client.State;

    public static async Task<Traffic> StartAsync(string topic, Microsoft.Extensions.Logging.ILoggerFactory? log, params string[] addresses)
    {
        var client = await CometClient.ConnectAsync(new CometClientOptions
        {
            Addresses = [.. addresses.Select(static a => CometEndpoint.Parse(a))], LoggerFactory = log,
            DisposeTimeout = TimeSpan.FromSeconds(1),
        });
        var consumer = await client.SubscribeAsync<string>(topic, "traffic", new() { StartPosition = StartPosition.Earliest });
        return new Traffic(client, await client.CreateProducerAsync<string>(topic), consumer);
    }

    /// <summary>Completes when so many messages, whose sending began after this call, are confirmed and all of them received.</summary>
    public async Task GoOnAsync(int messages = 200)
    {
        var first = Volatile.Read(ref _lastStarted) + 1;
        using var limit = new CancellationTokenSource(Limits.Wait);
        while (true)
        {
            var progress = Volatile.Read(ref _progress).Task;
            var isConfirmed = Volatile.Read(ref _lastConfirmed) >= first + messages - 1;
            var missing = Enumerable.Range(0, messages).Select(i => first + i).Where(n => !_received.ContainsKey(n)).ToList();
            if (isConfirmed && missing.Count == 0)
                return;
            try
            {
                await (await Task.WhenAny(progress, _sending, _receiving)).WaitAsync(limit.Token);
                await progress.WaitAsync(limit.Token);
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested)
            {
                Assert.Fail($"No progress: {_lastConfirmed} is confirmed of {messages} from {first} on; {missing.Count} are not received.");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_sending, _receiving);
        await _client.DisposeAsync();
        _stop.Dispose();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task SendAsync(Producer<string> producer)
    {
        try
        {
            for (var number = 0L; !_stop.IsCancellationRequested; number++)
            {
                Volatile.Write(ref _lastStarted, number);
                await producer.SendAsync($"{number}", _stop.Token);
                Volatile.Write(ref _lastConfirmed, number);
                Signal();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The test is over.
        }
    }

    private async Task ReceiveAsync(Consumer<string> consumer)
    {
        try
        {
            await foreach (var delivery in consumer.ReadAllAsync(AckMode.WhenNextIsAsked, _stop.Token))
            {
                _received[long.Parse(delivery.Value, System.Globalization.CultureInfo.InvariantCulture)] = true;
                Signal();
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The test is over.
        }
    }

    private void Signal() => Interlocked.Exchange(ref _progress, NewSignal()).TrySetResult();
}
