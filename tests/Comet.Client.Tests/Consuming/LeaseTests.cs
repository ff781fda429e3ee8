using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Consuming;

public class LeaseTests
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(10);
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task When_its_lease_is_over_a_message_goes_to_another_consumer_and_the_holder_is_told()
    {
        await using var comet = await StartAsync();
        await using var holder = await SubscribeAsync(comet, "holder", TimeSpan.Zero);
        var held = await holder.ReceiveAsync(Cancelled);
        await using var other = await SubscribeAsync(comet, "other", TimeSpan.Zero);
        var lost = LostAsync(held);
        Assert.False(lost.IsCompleted);

        _time.Advance(s_lease);

        await lost.WaitAsync(Cancelled);
        Assert.True(held.LeaseLost.IsCancellationRequested);
        var again = await FirstOfAsync(holder, other);
        Assert.Equal(("m", 2), (again.Value, again.DeliveryCount));
        await held.AckAsync(Cancelled);
        await holder.FlushAcksAsync(Cancelled);
        Assert.Equal(0, (await comet.Client.Topics.DescribeAsync("orders", Cancelled)).Backlog());
    }

    [Fact]
    public async Task What_the_program_holds_is_extended_by_itself_and_no_longer_than_it_is_told_to()
    {
        await using var comet = await StartAsync();
        await using var holder = await SubscribeAsync(comet, "holder", TimeSpan.FromSeconds(60));
        var held = await holder.ReceiveAsync(Cancelled);
        for (var passed = 0; passed < 57; passed += 3)
        {
            _time.Advance(TimeSpan.FromSeconds(3));
            await comet.Client.PingAsync(Cancelled);
        }
        Assert.False(held.LeaseLost.IsCancellationRequested);
        Assert.False(holder.TryReceive(out _));

        var lost = LostAsync(held);
        for (var passed = 0; passed < 20 && !lost.IsCompleted; passed++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await comet.Client.PingAsync(Cancelled);
        }
        await lost.WaitAsync(Cancelled);
        Assert.Equal(2, (await holder.ReceiveAsync(Cancelled)).DeliveryCount);
    }

    [Fact]
    public async Task ExtendAsync_begins_the_lease_anew()
    {
        await using var comet = await StartAsync();
        await using var holder = await SubscribeAsync(comet, "holder", TimeSpan.Zero);
        var held = await holder.ReceiveAsync(Cancelled);
        for (var i = 0; i < 5; i++)
        {
            _time.Advance(s_lease * 0.9);
            await held.ExtendAsync();
            await comet.Client.PingAsync(Cancelled);
        }
        Assert.False(held.LeaseLost.IsCancellationRequested);
        Assert.False(holder.TryReceive(out _));
    }

    [Fact]
    public async Task What_is_acked_is_extended_no_more_and_its_token_is_left_alone()
    {
        await using var comet = await StartAsync();
        await using var holder = await SubscribeAsync(comet, "holder", TimeSpan.FromSeconds(60));
        var held = await holder.ReceiveAsync(Cancelled);
        var token = held.LeaseLost;
        await held.AckAsync(Cancelled);
        await holder.FlushAcksAsync(Cancelled);
        _time.Advance(s_lease * 2);
        await comet.Client.PingAsync(Cancelled);
        Assert.False(token.IsCancellationRequested);
    }

    [Fact]
    public async Task Without_a_lease_the_token_tells_that_the_consumer_is_detached()
    {
        await using var comet = await Embedded.StartAsync();
        var consumer = await comet.Client.SubscribeAsync<string>("orders", "billing", null, Cancelled);
        await using var producer = await comet.Client.CreateProducerAsync<string>("orders", null, Cancelled);
        await producer.SendAsync("m", Cancelled);
        var held = await consumer.ReceiveAsync(Cancelled);
        var lost = LostAsync(held);
        Assert.False(lost.IsCompleted);
        await consumer.DisposeAsync();
        await lost.WaitAsync(Cancelled);
    }

    private static Task LostAsync(Delivery<string> delivery)
    {
        var lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        delivery.LeaseLost.Register(lost.SetResult);
        return lost.Task;
    }

    private static async Task<Delivery<string>> FirstOfAsync(params Consumer<string>[] consumers)
    {
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var receiving = consumers.Select(c => c.ReceiveAsync(done.Token).AsTask()).ToList();
        var first = await await Task.WhenAny(receiving);
        await done.CancelAsync();
        return first;
    }

    private async Task<Embedded> StartAsync()
    {
        var comet = await Embedded.StartAsync(
            new() { HeartbeatInterval = TimeSpan.FromHours(1) }, new() { OperationTimeout = TimeSpan.FromDays(1) }, _time);
        await using (await SubscribeAsync(comet, "first", TimeSpan.Zero))
        {
            // The subscription stays.
        }
        await using var producer = await comet.Client.CreateProducerAsync<string>("orders", null, Cancelled);
        await producer.SendAsync("m", Cancelled);
        return comet;
    }

    private static Task<Consumer<string>> SubscribeAsync(Embedded comet, string name, TimeSpan extension) =>
        comet.Client.SubscribeAsync<string>("orders", "billing", new()
        {
            Type = SubscriptionType.Shared, ConsumerName = name, LeaseDuration = s_lease, MaxLeaseExtension = extension,
        }, Cancelled);
}
