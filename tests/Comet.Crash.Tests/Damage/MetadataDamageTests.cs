using Comet.Client;
using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Server;
using Comet.Tests;

namespace Comet.Crash.Tests.Damage;

/// <summary>Metadata that is damaged at random: topics and messages are there all the same, and what is lost is said.</summary>
public sealed class MetadataDamageTests
{
    private const int Messages = 200;
    private const int Acked = 150;

    private static readonly int s_corruptions =
        int.TryParse(Environment.GetEnvironmentVariable("COMET_CRASH_CORRUPTIONS"), out var corruptions) ? corruptions : 50;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [TakesLong]
    public async Task Whatever_becomes_of_the_metadata_every_message_is_there_and_no_subscription_is_lost_without_a_word()
    {
        using var folder = TemporaryFolder.InMemory();
        await FillAsync(folder["data"]);
        var random = new Random(37);
        var (kept, lost) = (0, 0);
        for (var i = 0; i < s_corruptions; i++)
        {
            DataCopy.Copy(folder["data"], folder["copy"]);
            var metadata = Metadata.PathIn(folder["copy"]);
            var kind = (CorruptionKind)(i % Enum.GetValues<CorruptionKind>().Length);
            if (Corruption.Apply(metadata, metadata, kind, random))
                _ = await IsKeptAsync(folder["copy"], $"{i}, {kind}") ? kept++ : lost++;
            Directory.Delete(folder["copy"], recursive: true);
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{kept} harmless, {lost} rebuilt");
        Assert.True(lost > s_corruptions / 5, "Hardly any damage was found.");
    }

    private static async Task FillAsync(string data)
    {
        await using var broker = new CometBroker(new() { LocalStorage = new() { Directory = data } });
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
        await using var consumer = await client.SubscribeAsync<Message>("t", "s", new()
        {
            Serializer = Message.Serializer, ConfirmAcks = true, StartPosition = StartPosition.Earliest,
        }, Cancelled);
        await using var producer = await client.CreateProducerAsync<Message>("t", new() { Serializer = Message.Serializer }, Cancelled);
        for (var i = 0; i < Messages; i++)
            await producer.EnqueueAsync(new(new(0, i)), Cancelled);
        var acks = new List<Task>();
        for (var i = 0; i < Acked; i++)
            acks.Add((await consumer.ReceiveAsync(Cancelled)).AckAsync(Cancelled).AsTask());
        await Task.WhenAll(acks);
    }

    /// <summary>Whether the subscription is where it was; it may also be gone, when that is logged.</summary>
    private static async Task<bool> IsKeptAsync(string data, string what)
    {
        using var log = new BrokerLog();
        await using var broker = new CometBroker(new() { LocalStorage = new() { Directory = data } }, loggers: log);
        await broker.RecoverAsync(Cancelled);
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
        var next = 0;
        await Workload.ReadAllAsync(client, "t", (message, id) =>
        {
            Assert.Equal((new Message(0, next), (long)next), (message, id.Offset));
            next++;
        });
        Assert.True(next == Messages, $"{what}: {next} of {Messages} are there.");
        if ((await client.Topics.DescribeAsync("t", Cancelled)).Subscriptions is [var subscription])
        {
            Assert.True(subscription.AckedUpTo == Acked, $"{what}: the subscription is at {subscription.AckedUpTo}, not at {Acked}.");
            return true;
        }
        Assert.Contains(log.Lines, static line => line.StartsWith("Topic t was made from its journals", StringComparison.Ordinal));
        Assert.Contains(Directory.EnumerateFiles(data), static file => file.Contains(".damaged-", StringComparison.Ordinal));
        return false;
    }
}
