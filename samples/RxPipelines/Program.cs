// Rx over Comet, with an embedded broker:
//   1. a source that is faster than anybody needs goes in through an observer with an overflow policy;
//   2. a pipeline filters, handles and acks; a handler that fails gives the message back, and the stream goes on;
//   3. a window over time computes a moving average;
//   4. the connection's state is a sequence too.
using System.Reactive.Linq;
using System.Reactive.Threading.Tasks;
using Comet.Client;
using Comet.Client.Rx;
using Comet.Server;
using RxPipelines;

const int Count = 200;
await using var broker = new CometBroker();
await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
using var states = client.State.AsObservable().Subscribe(static state => Console.WriteLine($"state: {state}"));

await using var consumer = await client.SubscribeAsync("readings", "alarms", new ConsumerOptions<Reading>
{
    Serializer = Reading.Serializer
});
await using var producer = await client.CreateProducerAsync("readings", new ProducerOptions<Reading> { Serializer = Reading.Serializer });

// A sensor with a hiccup: every tenth reading cannot be handled at the first attempt.
var failures = 0;
var handled = consumer.AsObservable()
    .WhereOrAcknowledge(static delivery => delivery.Value.Sensor != "idle")
    .Acknowledge(
        delivery =>
        {
            if (delivery.Value.Number % 10 == 0 && delivery.DeliveryCount == 1)
                throw new InvalidOperationException($"reading {delivery.Value.Number} is not clear yet");
        },
        new AcknowledgeOptions { FirstNackDelay = TimeSpan.FromMilliseconds(20), OnFailure = _ => failures++ })
    .Publish();
var averages = handled
    .Select(static delivery => delivery.Value.Celsius)
    .Buffer(TimeSpan.FromMilliseconds(50))
    .Where(static window => window.Count > 0)
    .Select(static window => (window.Count, Average: window.Average()));
using var printing = averages.Subscribe(static w => Console.WriteLine($"window: {w.Count,3} readings, {w.Average:0.00} °C on average"));
var done = handled.Take(Count).Count().ToTask();
using var connection = handled.Connect();

// Every reading must arrive: the source waits when the broker is slow. A live display would choose OverflowPolicy.Latest instead.
using var publication = Observable.Range(1, Count)
    .SelectMany(static i => new[] { new Reading("boiler", i, 60 + (i % 7)), new Reading("idle", i, 0) })
    .PublishTo(producer, OverflowPolicy.Wait);
await publication.Completion;
Console.WriteLine($"published {2 * Count} readings, {publication.DroppedCount} dropped");

Console.WriteLine($"handled {await done} readings of the boiler; {failures} failed at first and came again");
await consumer.FlushAcksAsync();
var left = (await client.Topics.DescribeAsync("readings")).Subscriptions.Sum(static s => s.Backlog);
Console.WriteLine($"{left} readings are left");
return left == 0 ? 0 : 1;
