using System.Text.RegularExpressions;
using Comet.Client;
using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Server;
using Comet.Tests;

namespace Comet.Crash.Tests.Damage;

/// <summary>Files of a stopped broker that are damaged at random: what is damaged is told, never delivered, cut or deleted.</summary>
public sealed partial class CorruptionTests
{
    private const int Topics = 3;
    private const int PerTopic = 700;

    private static readonly int s_corruptions =
        int.TryParse(Environment.GetEnvironmentVariable("COMET_CRASH_CORRUPTIONS"), out var corruptions) ? corruptions : 500;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [TakesLong]
    public async Task Every_one_of_500_random_corruptions_is_told_with_file_and_byte_or_harmless_and_others_go_on()
    {
        using var folder = TemporaryFolder.InMemory();
        await FillAsync(folder["data"]);
        var random = new Random(7);
        var told = new Dictionary<CorruptionKind, int>();
        for (var i = 0; i < s_corruptions; i++)
        {
            var kind = (CorruptionKind)(i % Enum.GetValues<CorruptionKind>().Length);
            DataCopy.Copy(folder["data"], folder["copy"]);
            var (path, topic) = Choose(folder["copy"], random, 0);
            if (Corruption.Apply(path, Choose(folder["copy"], random, topic).Path, kind, random))
                told[kind] = told.GetValueOrDefault(kind) + (await IsToldAsync(folder["copy"], path, topic, $"{i}, {kind}") ? 1 : 0);
            Directory.Delete(folder["copy"], recursive: true);
        }
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join(", ", told.Select(static t => $"{t.Key}: {t.Value} told")));
        Assert.All(told, each => Assert.True(each.Value >= s_corruptions / 20, $"{each.Key} hardly ever damages anything."));
    }

    private static LocalStorageOptions Local(string data) => new() { Directory = data, MaxSegmentLength = 64 * 1024 };

    private static string Name(int topic) => $"t{topic}";

    private static async Task FillAsync(string data)
    {
        await using var broker = new CometBroker(new() { LocalStorage = Local(data) });
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
        for (var topic = 1; topic <= Topics; topic++)
        {
            await using var producer = await client.CreateProducerAsync<Message>(
                Name(topic), new() { Serializer = Message.Serializer, MaxBatchMessages = 10 }, Cancelled);
            for (var i = 0; i < PerTopic; i++)
                await producer.EnqueueAsync(new(new(topic, i)), Cancelled);
            await producer.FlushAsync(Cancelled);
        }
    }

    /// <summary>A segment of any topic, or of any but one.</summary>
    private static (string Path, int Topic) Choose(string data, Random random, int but)
    {
        var topic = but == 0 ? random.Next(1, Topics + 1) : (but % Topics) + 1;
        var segments = Directory.GetFiles(Path.Combine(data, "topics", $"{Name(topic)}~{topic}", "0"), "*.journal");
        return (segments[random.Next(segments.Length)], topic);
    }

    /// <summary>Whether a broker tells of the damage. If it does not, it has to have everything.</summary>
    private static async Task<bool> IsToldAsync(string data, string damaged, int topic, string what)
    {
        var before = await HashAsync(damaged);
        using var log = new BrokerLog();
        var isTold = false;
        await using (var broker = new CometBroker(new() { LocalStorage = Local(data) }, loggers: log))
        {
            await broker.RecoverAsync(Cancelled);
            await using var client = await CometClient.ConnectAsync(new CometClientOptions
            {
                Transport = broker.Transport, DisposeTimeout = TimeSpan.FromMilliseconds(100),
            });
            for (var each = 1; each <= Topics; each++)
            {
                var count = await ReadAsync(client, log, each, what);
                Assert.True(count == PerTopic || each == topic, $"{what}: {count} of {PerTopic} came from a topic that is not damaged.");
                isTold |= count < PerTopic;
            }
        }
        if (!isTold)
            return false;
        var told = Assert.Single(log.Lines, static line => line.StartsWith("Partition 0 of topic", StringComparison.Ordinal));
        Assert.True(PlacePattern().IsMatch(told), $"{what} is told without its place: {told}");
        if (told.Contains(" ends at message ", StringComparison.Ordinal))
        {
            // To the journal it is a torn tail like any other, which it clears; only the metadata know that there was more.
            Assert.Contains(Path.GetDirectoryName(damaged)!, told, StringComparison.Ordinal);
            return true;
        }
        Assert.Contains(damaged, told, StringComparison.Ordinal);
        Assert.Equal(before, await HashAsync(damaged));
        return true;
    }

    /// <summary>Reads a topic until it ends, or its partition goes offline; each message has to be the right one.</summary>
    private static async Task<int> ReadAsync(CometClient client, BrokerLog log, int topic, string what)
    {
        using var offline = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        log.Logged = _ => offline.Cancel();
        var count = 0;
        try
        {
            if (log.Lines.Any(line => line.Contains($"topic {Name(topic)} ", StringComparison.Ordinal)))
                return count;
            var end = (await client.Topics.DescribeAsync(Name(topic), offline.Token)).Partitions[0].EndOffset;
            Assert.True(end == PerTopic, $"{what}: the topic was cut to {end} messages without a word.");
            await using var reader = await client.CreateReaderAsync<Message>(
                Name(topic), new() { Serializer = Message.Serializer }, offline.Token);
            for (; count < PerTopic; count++)
            {
                var delivery = await reader.ReceiveAsync(offline.Token);
                Assert.True(delivery.Value == new Message(topic, count) && delivery.Id.Offset == count,
                    $"{what}: {delivery.Value} came from {delivery.Id}.");
            }
        }
        catch (Exception e) when (e is CometException { Code: ErrorCode.StorageFailed }
            || (e is OperationCanceledException && !Cancelled.IsCancellationRequested))
        {
            // It is offline.
        }
        return count;
    }

    private static async Task<string> HashAsync(string path) =>
        Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(path, Cancelled)));

    [GeneratedRegex(@"\.journal.* (byte \d+|has \d+ bytes|has a header|is not segment|does not begin|ends at message \d+)")]
    private static partial Regex PlacePattern();
}
