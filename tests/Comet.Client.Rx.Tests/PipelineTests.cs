using System.Reactive.Linq;
using Comet.Client.Tests;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Rx.Tests;

/// <summary>Deliveries on their way through operators, with what they need to be acked at the end.</summary>
public class PipelineTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_mapped_delivery_keeps_its_id_key_headers_and_ack()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.SendAsync(new OutgoingMessage<string>("12") { Key = "k", Headers = new() { { "h", "v" } } }, Cancelled);
        var mapped = await consumer.AsObservable().SelectValue(int.Parse).SelectValue(static i => i * 1.5).FirstAsync().RunAsync(Cancelled);
        Assert.Equal((18.0, "t-0@0", "k", "v", "12"),
            (mapped.Value, $"{mapped.Id}", mapped.Key, mapped.Headers["h"], System.Text.Encoding.UTF8.GetString(mapped.Payload.Span)));
        Assert.Equal(1, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
        await mapped.AckAsync(Cancelled);
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal(0, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Theory]
    [InlineData("select")]
    [InlineData("where")]
    public async Task What_an_operator_throws_gives_the_delivery_back_for_a_growing_time_and_the_sequence_goes_on(string kind)
    {
        var time = new FakeTimeProvider();
        await using var broker = new Comet.Server.CometBroker(new() { HeartbeatInterval = TimeSpan.FromHours(1) }, time);
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport }, Cancelled);
        await using var consumer = await client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await SendAsync(client, "0", "x", "2");
        var attempts = 0;
        using var attempted = new SemaphoreSlim(0);
        var failures = new List<Exception>();
        var options = new AcknowledgeOptions { FirstNackDelay = TimeSpan.FromSeconds(1), OnFailure = failures.Add };
        bool Fails(string value)
        {
            if (value != "x")
                return false;
            attempted.Release();
            return ++attempts <= 3 ? throw new FormatException("Not yet.") : false;
        }
        var passed = new List<string>();
        var source = consumer.AsObservable();
        var pipeline = kind == "select"
            ? source.SelectValue(v => Fails(v) ? "" : v, options)
            : source.WhereValue(v => !Fails(v), options);
        using var handle = pipeline.Acknowledge(static _ => { }).Subscribe(d => passed.Add(d.Value));

        foreach (var delay in new[] { 1, 2, 4 })
        {
            await attempted.WaitAsync(Cancelled);
            await Eventually.TopicAsync(client, "t", static t => t.Unacked() == 0 && t.Backlog() == 1);
            time.Advance(TimeSpan.FromSeconds(delay) - TimeSpan.FromMilliseconds(1));
            await client.PingAsync(Cancelled);
            Assert.Equal(0, (await client.Topics.DescribeAsync("t", Cancelled)).Unacked());
            time.Advance(TimeSpan.FromMilliseconds(2));
        }
        await Eventually.TopicAsync(client, "t", static t => t.Backlog() == 0);
        Assert.Equal(4, attempts);
        Assert.Equal(3, failures.Count);
        Assert.Equal(["0", "2", "x"], passed);
    }

    [Fact]
    public async Task A_payload_that_does_not_decode_is_given_back_and_the_sequence_goes_on()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<byte[]>("t", "s", cancellationToken: Cancelled);
        await SendAsync(comet.Client, "1", "", "3");
        var failures = new List<Exception>();
        var options = new AcknowledgeOptions { FirstNackDelay = TimeSpan.FromHours(1), OnFailure = failures.Add };
        var passed = await consumer.AsObservable().SelectValue(static b => b[0] - '0', options).Take(2).Select(static d => d.Value).ToList()
            .RunAsync(Cancelled);
        Assert.Equal([1, 3], passed);
        Assert.IsType<IndexOutOfRangeException>(Assert.Single(failures));
    }

    [Fact]
    public async Task WhereValue_acks_what_it_does_not_let_through()
    {
        await using var comet = await Embedded.StartAsync();
        await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await SendAsync(comet.Client, "1", "2", "3", "4", "5");
        var kept = await consumer.AsObservable().SelectValue(int.Parse).WhereValue(static i => i % 2 == 1).Take(3)
            .Select(static d => d.Value).ToList().RunAsync(Cancelled);
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal([1, 3, 5], kept);
        Assert.Equal(3, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    [Fact]
    public async Task A_buffer_over_the_brokers_own_time_is_acked_as_one()
    {
        var time = new FakeTimeProvider();
        await using var broker = new Comet.Server.CometBroker(new() { HeartbeatInterval = TimeSpan.FromHours(1) }, time);
        await using var client = await CometClient.ConnectAsync(
            new CometClientOptions { Transport = broker.Transport, TimeProvider = time }, Cancelled);
        await using var consumer = await client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        using var seen = new SemaphoreSlim(0);
        using var handled = new SemaphoreSlim(0);
        var sums = new List<int>();
        using var handle = consumer.AsObservable().SelectValue(int.Parse).Do(_ => seen.Release())
            .Buffer(TimeSpan.FromSeconds(10), time.AsScheduler())
            .Acknowledge((group, _) =>
            {
                sums.Add(group.Sum(static d => d.Value));
                return Task.CompletedTask;
            })
            .Subscribe(_ => handled.Release());
        foreach (var numbers in new string[][] { ["1", "2", "3"], ["10", "20"] })
        {
            await SendAsync(client, numbers);
            foreach (var _ in numbers)
                await seen.WaitAsync(Cancelled);
            time.Advance(TimeSpan.FromSeconds(9));
            Assert.Equal(0, handled.CurrentCount);
            time.Advance(TimeSpan.FromSeconds(1));
            await handled.WaitAsync(Cancelled);
        }
        await consumer.FlushAcksAsync(Cancelled);
        Assert.Equal([6, 30], sums);
        Assert.Equal(0, (await client.Topics.DescribeAsync("t", Cancelled)).Backlog());
    }

    private static async Task SendAsync(CometClient client, params string[] values)
    {
        await using var producer = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        foreach (var value in values)
            await producer.SendAsync(value, Cancelled);
    }
}
