// A producer is a ChannelWriter<T>: it stands at the end of any pipeline of channels, and its window is the pipeline's back-pressure.
// Here three workers write to one producer whose window is small; the time they wait is the broker's pace, and no memory grows.
using Comet.Client;
using Comet.Server;

const int Workers = 3;
const int PerWorker = 20_000;
await using var broker = new CometBroker();
await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
await using var consumer = await client.SubscribeAsync<string>("work", "counter");
await using var producer = await client.CreateProducerAsync("work", new ProducerOptions<string> { MaxPendingMessages = 256 });

var waits = 0;
var workers = Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
{
    for (var i = 0; i < PerWorker; i++)
    {
        // TryWrite says at once whether there is room; WaitToWriteAsync waits for it.
        while (!producer.Writer.TryWrite($"worker {worker} item {i}"))
        {
            Interlocked.Increment(ref waits);
            await producer.Writer.WaitToWriteAsync();
        }
    }
}));
var receiving = Task.Run(async () =>
{
    var received = 0;
    await foreach (var batch in consumer.ReadBatchesAsync(500, TimeSpan.FromMilliseconds(50)))
    {
        await batch.AckAsync();
        if ((received += batch.Count) == Workers * PerWorker)
            break;
    }
    return received;
});
await Task.WhenAll(workers);
await producer.FlushAsync();
Console.WriteLine($"{Workers} workers wrote {Workers * PerWorker:N0} items; all are confirmed");
Console.WriteLine($"the window of 256 was full {waits:N0} times, and the workers waited");
Console.WriteLine($"{await receiving:N0} items were received in batches and acked");
