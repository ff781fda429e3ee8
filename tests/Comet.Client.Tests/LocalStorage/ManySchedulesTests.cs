namespace Comet.Client.Tests.LocalStorage;

/// <summary>More scheduled messages than memory is meant to hold.</summary>
public sealed class ManySchedulesTests
{
    private const int Count = 300_000;
    private const int Keys = 1_000;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task They_are_there_again_and_are_cancelled_moved_and_due_as_before(bool isKilled)
    {
        await using var comet = await DurableBroker.StartAsync(
            static local => new() { LocalStorage = local, MemoryLimit = 4 * 1024 * 1024 });
        await comet.Client.Topics.CreateAsync("t", cancellationToken: Cancelled);
        await comet.Client.Subscriptions.CreateAsync(
            "t", "s", SubscriptionType.Shared, start: StartPosition.Earliest, cancellationToken: Cancelled);
        var begin = TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1);
        await using (var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled))
        {
            for (var i = 0; i < Count; i++)
            {
                var deliverAt = begin.AddMilliseconds(i * 7_919L % 3_600_000);
                await producer.EnqueueAsync(new($"{i}") { DeliverAt = deliverAt, Key = $"k{i % Keys}" }, Cancelled);
            }
            await producer.FlushAsync(Cancelled);
        }
        Assert.Equal(Count / Keys, await comet.Client.Schedules.CancelByKeyAsync("t", "k7", Cancelled));
        var files = Directory.EnumerateFiles(comet.Data, "*.delays", SearchOption.AllDirectories);
        Assert.NotEmpty(files);

        await (isKilled ? comet.KillAsync() : comet.RestartAsync());

        Assert.Equal(Count - (Count / Keys), await comet.Client.Schedules.CountAsync("t", cancellationToken: Cancelled));
        Assert.Equal(0, await comet.Client.Schedules.CancelByKeyAsync("t", "k7", Cancelled));
        Assert.Equal(Count / Keys, await comet.Client.Schedules.CancelByKeyAsync("t", "k8", Cancelled));
        // Those of a key, wherever they lie, come when they are moved to now; all else waits.
        var moved = await comet.Client.Schedules.ListAsync("t", "k9", cancellationToken: Cancelled).ToListAsync(Cancelled);
        Assert.Equal(Count / Keys, moved.Count);
        foreach (var message in moved.Take(50))
            await comet.Client.Schedules.RescheduleAsync(message.Id, TimeSpan.Zero, Cancelled);
        await using var consumer = await comet.Client.SubscribeAsync<string>(
            "t", "s", new() { Type = SubscriptionType.Shared, StartPosition = StartPosition.Earliest }, Cancelled);
        var came = new HashSet<string>();
        while (came.Count < 50)
            Assert.True(came.Add((await consumer.ReceiveAsync(Cancelled)).Value!));
        Assert.All(came, static value => Assert.EndsWith("009", $"00{value}", StringComparison.Ordinal));
        Assert.Equal(Count - (2 * Count / Keys) - 50, await comet.Client.Schedules.CountAsync("t", cancellationToken: Cancelled));
    }
}
