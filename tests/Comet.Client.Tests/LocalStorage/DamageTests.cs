using System.Diagnostics.Metrics;

namespace Comet.Client.Tests.LocalStorage;

/// <summary>Files that are lost or damaged: what can be told is told, nothing is deleted, and others go on.</summary>
public sealed class DamageTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Without_its_metadata_a_broker_finds_topics_and_messages_and_says_that_subscriptions_are_lost(bool isDamaged)
    {
        await using var comet = await FilledAsync();
        await comet.RestartAsync(() =>
        {
            var metadata = Path.Combine(comet.Data, "metadata.db");
            if (isDamaged)
                File.WriteAllText(metadata, new string('x', 20_000));
            else
                File.Delete(metadata);
        });

        var topics = await comet.Client.Topics.ListAsync(cancellationToken: Cancelled);
        Assert.Equal(["a/b 2", "t 1"], topics.Select(static t => $"{t.Name} {t.PartitionCount}"));
        await using var reader = await comet.Client.CreateReaderAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < 3; i++)
            Assert.Equal($"t {i}", (await reader.ReceiveAsync(Cancelled)).Value);
        Assert.Empty((await comet.Client.Topics.DescribeAsync("t", Cancelled)).Subscriptions);
        Assert.Contains(comet.Warnings, static line =>
            line.StartsWith("Topic a/b was made from its journals: it has 2 partition(s)", StringComparison.Ordinal)
            && line.Contains("no subscriptions", StringComparison.Ordinal));
        var files = Directory.EnumerateFiles(comet.Data);
        Assert.Equal(isDamaged, files.Any(static file => file.Contains(".damaged-", StringComparison.Ordinal)));
        // What is made now does not meet what was there.
        await SendAsync(comet, "t", 3, 4);
        await SendAsync(comet, "new", 0, 1);
        await comet.RestartAsync();
        Assert.Equal(4, (await comet.Client.Topics.DescribeAsync("t", Cancelled)).Stored());
    }

    [Fact]
    public async Task A_directory_that_belongs_to_no_topic_is_left_alone_and_named()
    {
        await using var comet = await FilledAsync();
        var orphan = Path.Combine(comet.Data, "topics", "orphan~99");
        await comet.RestartAsync(() => Directory.CreateDirectory(Path.Combine(orphan, "0")));
        Assert.Contains(comet.Warnings, line => line.Contains(orphan, StringComparison.Ordinal));
        Assert.True(Directory.Exists(orphan));
        await SendAsync(comet, "orphan", 0, 1);
        Assert.Single(Directory.EnumerateDirectories(Path.Combine(comet.Data, "topics"), "orphan~100"));
    }

    [Fact]
    public async Task A_damaged_partition_is_offline_and_others_go_on()
    {
        await using var comet = await FilledAsync();
        await comet.RestartAsync(() =>
        {
            // Behind header and record headers, in the middle of what was confirmed.
            var segments = Directory.EnumerateFiles(Path.Combine(comet.Data, "topics", "t~1", "0"), "*.journal");
            var segment = segments.Order(StringComparer.Ordinal).First();
            using var file = new FileStream(segment, FileMode.Open);
            file.Position = 4096 + 60;
            file.WriteByte(0xFF);
        });

        await SendAsync(comet, "a/b", 4, 6);
        await using var reader = await comet.Client.CreateReaderAsync<string>("a/b", cancellationToken: Cancelled);
        for (var i = 0; i < 6; i++)
            await reader.ReceiveAsync(Cancelled);
        var refusal = await Assert.ThrowsAsync<CometException>(() => comet.Client.Topics.DescribeAsync("t", Cancelled));
        Assert.Equal(ErrorCode.StorageFailed, refusal.Code);
        Assert.Contains(".journal is damaged at byte ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(comet.Warnings, static line => line.StartsWith("Partition 0 of topic t failed", StringComparison.Ordinal)
            && line.Contains(".journal is damaged at byte ", StringComparison.Ordinal));
        await AssertToldAsync(comet);
    }

    /// <summary>Health, metrics and explain say which partition is offline, and why.</summary>
    private static async Task AssertToldAsync(DurableBroker comet)
    {
        var health = await comet.Client.GetHealthAsync(Cancelled);
        Assert.Equal(1, health.OfflineCount);
        var offline = Assert.Single(health.Offline);
        Assert.Equal(("t", 0), (offline.Topic, offline.Partition));
        Assert.Contains(".journal is damaged at byte ", offline.Reason, StringComparison.Ordinal);
        Assert.Equal(health.Offline, comet.Broker.GetHealth().Offline);

        var partition = Assert.Single((await comet.Client.Subscriptions.ExplainAsync("t", "s", Cancelled)).Partitions);
        Assert.Equal(WaitReason.StorageFailed, partition.Reason);
        Assert.Contains(".journal is damaged at byte ", partition.Sentence, StringComparison.Ordinal);
        Assert.Contains("start the broker again", partition.Advice, StringComparison.Ordinal);

        var measured = new Dictionary<string, int>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == CometDiagnostics.ServerPartitionsOffline)
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        // Brokers of other tests are measured, too.
        listener.SetMeasurementEventCallback<int>((_, value, tags, _) =>
        {
            var topic = (string)tags[0].Value!;
            measured[topic] = Math.Max(value, measured.GetValueOrDefault(topic));
        });
        listener.Start();
        listener.RecordObservableInstruments();
        Assert.Equal((1, 0), (measured["t"], measured["a/b"]));
    }

    private static async Task<DurableBroker> FilledAsync()
    {
        var comet = await DurableBroker.StartAsync();
        await comet.Client.Topics.CreateAsync("t", cancellationToken: Cancelled);
        await comet.Client.Topics.CreateAsync("a/b", 2, cancellationToken: Cancelled);
        await comet.Client.Subscriptions.CreateAsync("t", "s", cancellationToken: Cancelled);
        await SendAsync(comet, "t", 0, 3);
        await SendAsync(comet, "a/b", 0, 4);
        return comet;
    }

    private static async Task SendAsync(DurableBroker comet, string topic, int first, int end)
    {
        await using var producer = await comet.Client.CreateProducerAsync<string>(
            topic, new() { Router = static (message, count) => message.Value[^1] % count }, Cancelled);
        for (var i = first; i < end; i++)
            await producer.SendAsync($"{topic} {i}", Cancelled);
    }
}
