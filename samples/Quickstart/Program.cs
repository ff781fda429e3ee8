// A broker, a producer and two consumers in one process: every line of a text file goes through the real protocol, keyed, over four
// partitions. Without arguments it takes a document of this repository:   dotnet run -c Release --project samples/Quickstart [FILE]
using System.Reactive.Linq;
using System.Text;
using Comet.Client;
using Comet.Client.Rx;
using Comet.Server;
using Quickstart;

var file = args.Length > 0 ? args[0] : Path.Combine(AppContext.BaseDirectory, "architecture.md");
if (!File.Exists(file))
{
    Console.Error.WriteLine($"There is no file '{file}'. Name a text file, or none.");
    return 2;
}
var lines = TextFile.ReadLines(file);
Console.WriteLine($"Publishing {lines.Count:N0} lines of {Path.GetFileName(file)} over 4 partitions ...");

await using var broker = new CometBroker(new CometServerOptions { DefaultPartitionCount = 4 });
await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
await using var reader = await client.SubscribeAsync<string>("lines", "reader");
await using var counter = await client.SubscribeAsync<string>("lines", "counter");
await using var producer = await client.CreateProducerAsync<string>("lines");

// The Rx pipeline: words of each line, and the rate of the last 200 ms. A line is acked when it was counted.
var words = new WordCount();
var counted = counter.AsObservable().Acknowledge(delivery => words.Add(delivery.Value)).Publish();
var counting = counted.Take(lines.Count).Count();
var rates = counted.Buffer(TimeSpan.FromMilliseconds(200)).Where(static batch => batch.Count > 0).Select(static batch => batch.Count * 5);
var allCounted = Pipelines.FirstAsync(counting);
using var connection = counted.Connect();

// Lines with the same first word have the same key, so they stay in order, in one partition.
foreach (var line in lines)
    await producer.EnqueueAsync(new OutgoingMessage<string>(line) { Key = line.Split(' ')[0] });
await producer.FlushAsync();

// The consumer: a plain loop. Asking for the next delivery acks the one before.
var (received, bytes) = (0, 0L);
await foreach (var delivery in reader.ReadAllAsync(AckMode.WhenNextIsAsked))
{
    bytes += Encoding.UTF8.GetByteCount(delivery.Value);
    if (++received == lines.Count)
        break;
}
await allCounted;

var terminators = TextFile.CountLineFeeds(file);
Console.WriteLine($"Received:  {terminators,8:N0} lines {words.Total,8:N0} words {bytes + terminators,10:N0} bytes");
var size = new FileInfo(file).Length;
Console.WriteLine($"wc says:   {terminators,8:N0} lines {TextFile.CountWords(file),8:N0} words {size,10:N0} bytes   "
    + $"(wc {Path.GetFileName(file)})");
Console.WriteLine($"Most used: {string.Join(", ", words.MostUsed(6).Select(static w => $"{w.Key} {w.Value}"))}");
if (words.Total != TextFile.CountWords(file) || bytes + terminators != size)
{
    Console.Error.WriteLine("What was received is not what was published.");
    return 1;
}

// Now the same lines again and again, a quarter of a million of them; both consumers get and ack every one.
const int Again = 250_000;
var clock = TimeProvider.System;
var start = clock.GetTimestamp();
var allCountedAgain = Pipelines.FirstAsync(counted.Take(Again).Count());
using (rates.Subscribe(static rate => Console.WriteLine($"  moving rate: {rate,10:N0} lines/s through Rx")))
{
    var reading = Task.Run(() => reader.ReadAllAsync(AckMode.WhenNextIsAsked).Take(Again).CountAsync().AsTask());
    for (var i = 0; i < Again; i++)
        await producer.EnqueueAsync(new OutgoingMessage<string>(lines[i % lines.Count]));
    await producer.FlushAsync();
    await reading;
    await allCountedAgain;
}
var seconds = clock.GetElapsedTime(start).TotalSeconds;
Console.WriteLine($"Throughput: {Again / seconds:N0} lines/s published, confirmed, and delivered to two subscriptions with an ack each "
    + $"({seconds:0.0} s)");
return 0;
