using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Comet.Client;

namespace Comet.Cli.Bench;

/// <summary>How long one message takes.</summary>
internal static class LatencyScenarios
{
    private const int MessagesPerSecond = 5_000;

    /// <summary>The yardstick: bytes of one message there and back over a bare asynchronous NetworkStream, both ends in this
    /// process.</summary>
    public static Task<BenchResult> PingPongAsync(BenchContext context) => context.MeasureLatencyAsync("ping-pong", async () =>
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var server = await listener.AcceptTcpClientAsync();
        server.NoDelay = true;
        var echoing = EchoAsync(server.GetStream(), context.Size);
        var (stream, buffer) = (client.GetStream(), context.Payload());
        var times = await TimeEachAsync(context.Count(20_000), async () =>
        {
            await stream.WriteAsync(buffer);
            await stream.ReadExactlyAsync(buffer);
        });
        client.Close();
        await echoing;
        return times;
    }, usesBroker: false);

    /// <summary>One message at a time: sent, and its confirm awaited.</summary>
    public static Task<BenchResult> ConfirmAsync(BenchContext context) => context.MeasureLatencyAsync(
        "latency",
        () => context.WithTopicAsync(async topic =>
        {
            await using var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
            var payload = context.Payload();
            return await TimeEachAsync(context.Count(20_000), async () => await producer.SendAsync(payload));
        }));

    /// <summary>From just before sending until the program has the delivery, at a steady 5,000 messages a second, about five of them in
    /// each millisecond.</summary>
    public static Task<BenchResult> EndToEndAsync(BenchContext context) => context.MeasureLatencyAsync(
        "end-to-end",
        () => context.WithTopicAsync(async topic =>
        {
            await using var consumer = await context.Client.SubscribeAsync<ReadOnlyMemory<byte>>(topic, "bench");
            await using var producer = await context.Client.CreateProducerAsync<ReadOnlyMemory<byte>>(topic);
            var times = new double[context.Count(25_000)];
            var sending = Task.Run(() => SendSteadilyAsync(producer, context.Payload(), times.Length));
            var received = 0;
            await foreach (var delivery in consumer.ReadAllAsync())
            {
                times[received] = BenchContext.Time.GetElapsedTime(BinaryPrimitives.ReadInt64LittleEndian(delivery.Value.Span))
                    .TotalMicroseconds;
                await delivery.AckAsync();
                if (++received == times.Length)
                    break;
            }
            await sending;
            return times;
        }));

    private static async Task SendSteadilyAsync(Producer<ReadOnlyMemory<byte>> producer, byte[] payload, int count)
    {
        var start = BenchContext.Time.GetTimestamp();
        for (var sent = 0; sent < count;)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(1), BenchContext.Time);
            var due = Math.Min(count, (int)(BenchContext.Time.GetElapsedTime(start).TotalSeconds * MessagesPerSecond));
            for (; sent < due; sent++)
            {
                BinaryPrimitives.WriteInt64LittleEndian(payload, BenchContext.Time.GetTimestamp());
                await producer.Writer.WriteAsync(payload);
            }
        }
    }

    private static async Task EchoAsync(NetworkStream stream, int size)
    {
        var buffer = new byte[size];
        while (await stream.ReadAtLeastAsync(buffer, size, throwOnEndOfStream: false) == size)
            await stream.WriteAsync(buffer);
    }

    private static async Task<double[]> TimeEachAsync(long count, Func<Task> run)
    {
        var times = new double[count];
        for (var i = 0; i < times.Length; i++)
        {
            var start = BenchContext.Time.GetTimestamp();
            await run();
            times[i] = BenchContext.Time.GetElapsedTime(start).TotalMicroseconds;
        }
        return times;
    }
}
