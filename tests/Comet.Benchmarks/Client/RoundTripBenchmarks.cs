using BenchmarkDotNet.Attributes;
using Comet.Client;
using Comet.Server;

namespace Comet.Benchmarks.Client;

/// <summary>Client and embedded broker together: a message published, confirmed, delivered and acked by itself. Figures are per message.
/// Allocated is that of both sides: one small delivery object, and the bytes that it keeps.</summary>
[MemoryDiagnoser]
public class RoundTripBenchmarks
{
    private const int Messages = 100_000;

    private readonly byte[] _payload = new byte[100];
    private CometBroker _broker = null!;
    private CometClient _client = null!;
    private Producer<ReadOnlyMemory<byte>> _producer = null!;
    private Consumer<ReadOnlyMemory<byte>> _consumer = null!;

    [GlobalSetup]
    public async Task SetupAsync()
    {
        _broker = new CometBroker();
        _client = await CometClient.ConnectAsync(new CometClientOptions { Transport = _broker.Transport });
        _consumer = await _client.SubscribeAsync<ReadOnlyMemory<byte>>("t", "s");
        _producer = await _client.CreateProducerAsync<ReadOnlyMemory<byte>>("t");
    }

    [GlobalCleanup]
    public async Task CleanupAsync()
    {
        await _client.DisposeAsync();
        await _broker.DisposeAsync();
    }

    [Benchmark(OperationsPerInvoke = Messages)]
    public async Task PublishConsumeAndAckAsync()
    {
        var sending = SendAsync();
        var received = 0;
        await foreach (var delivery in _consumer.ReadAllAsync())
        {
            await delivery.AckAsync();
            if (++received == Messages)
                break;
        }
        await sending;
    }

    private async Task SendAsync()
    {
        await Task.Yield();
        for (var i = 0; i < Messages; i++)
            await _producer.Writer.WriteAsync(_payload);
        await _producer.FlushAsync();
    }
}
