using Comet.Tests;

namespace Comet.Client.Tests.LocalStorage;

public sealed class ManyTopicsTests
{
    // By hand with 10,000: created in 60 s, there again in 5 s.
    private static readonly int s_topics =
        int.TryParse(Environment.GetEnvironmentVariable("COMET_TEST_TOPICS"), out var topics) ? topics : 300;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Quiet topics cost no files; those that were used have theirs closed again when others want to open some.</summary>
    [Fact]
    [TakesLong]
    public async Task Many_topics_with_a_subscription_each_are_there_again_and_have_few_files_open()
    {
        const int Open = 16;
        await using var comet = await DurableBroker.StartAsync(
            static local => new() { LocalStorage = local with { MaxOpenPartitions = Open } });
        var start = TimeProvider.System.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, s_topics), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, _) =>
        {
            await comet.Client.Topics.CreateAsync($"t{i}", cancellationToken: Cancelled);
            await comet.Client.Subscriptions.CreateAsync($"t{i}", "s", cancellationToken: Cancelled);
        });
        var created = TimeProvider.System.GetElapsedTime(start);
        await SendAsync(comet, 0);
        await SendAsync(comet, 1);

        start = TimeProvider.System.GetTimestamp();
        await comet.RestartAsync(() => start = TimeProvider.System.GetTimestamp());
        var opened = TimeProvider.System.GetElapsedTime(start);
        TestContext.Current.SendDiagnosticMessage($"{s_topics} topics made in {created}, opened in {opened}");
        TestContext.Current.TestOutputHelper?.WriteLine($"{s_topics} topics made in {created}, opened in {opened}");

        Assert.Equal(s_topics, (await comet.Client.Topics.ListAsync(cancellationToken: Cancelled)).Count);
        for (var i = 0; i < 3 * Open; i++)
        {
            await using var consumer = await comet.Client.SubscribeAsync<string>($"t{i}", "s", cancellationToken: Cancelled);
            Assert.Equal("0", (await consumer.ReceiveAsync(Cancelled)).Value);
            Assert.Equal("1", (await consumer.ReceiveAsync(Cancelled)).Value);
        }
    }

    private static async Task SendAsync(DurableBroker comet, int message)
    {
        for (var i = 0; i < 48; i++)
        {
            await using var producer = await comet.Client.CreateProducerAsync<string>($"t{i}", cancellationToken: Cancelled);
            await producer.SendAsync($"{message}", Cancelled);
        }
    }
}
