using System.Security.Cryptography;
using System.Text;
using Comet.Journals;
using Comet.Server;

namespace Comet.Client.Tests.LocalStorage;

/// <summary>Older messages are compressed, encrypted and moved, and nobody who produces or consumes notices.</summary>
public sealed class UpkeepTests : IDisposable
{
    private const int Count = 120;

    private readonly DirectoryInfo _tiers = Directory.CreateTempSubdirectory("comet-tiers-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Cold => Path.Combine(_tiers.FullName, "cold");

    public void Dispose() => _tiers.Delete(recursive: true);

    [Fact]
    public async Task A_subscription_that_lags_reads_what_was_packed_encrypted_and_moved_also_after_a_restart()
    {
        await using var comet = await StartAsync(local => local with
        {
            Compression = CompressionType.Lz4, Keys = Ring("2026"), Cold = new(Cold, TimeSpan.Zero),
        });
        var consumer = await comet.Client.SubscribeAsync<string>("t", "s", new()
        {
            StartPosition = StartPosition.Earliest, ConfirmAcks = true, ReceiveWindowMessages = 5,
        }, Cancelled);
        await SendAsync(comet, "t", 0, Count);
        await UntilAsync(comet, () => InCold("t~1") > 3);

        await ReceiveAsync(consumer, 0, Count / 2);
        await comet.RestartAsync();
        await using var again = await comet.Client.SubscribeAsync<string>("t", "s", cancellationToken: Cancelled);
        await ReceiveAsync(again, Count / 2, Count);
        foreach (var file in Directory.EnumerateFiles(Cold, "*.journal.packed", SearchOption.AllDirectories))
            Assert.DoesNotContain("message", Encoding.Latin1.GetString(File.ReadAllBytes(file)), StringComparison.Ordinal);
        Assert.DoesNotContain(comet.Warnings, static line => line.Contains("offline", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_missing_or_wrong_key_is_named_before_anything_is_changed_and_a_new_one_is_taken_beside_the_old()
    {
        IJournalKeyProvider? keys = Ring("2026");
        await using var comet = await StartAsync(local => local with { Keys = keys });
        await SendAsync(comet, "t", 0, Count);
        await UntilAsync(comet, () => Packed(comet, "t~1") > 3);

        foreach (var (wrong, sentence) in new (IJournalKeyProvider?, string)[]
        {
            (null, "the key '2026', which was not given"),
            (Ring("2027"), "the key '2026', which was not given"),
            (new JournalKeyRing("2026", [new("2026", new byte[32])]), "The key '2026' is not the one"),
        })
        {
            keys = wrong;
            var refused = await Assert.ThrowsAsync<CometException>(() => comet.RestartAsync());
            Assert.Equal(ErrorCode.StorageFailed, refused.Code);
            Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
            Assert.Contains("nothing was changed", refused.Message, StringComparison.Ordinal);
        }

        keys = Ring("2026", "2027");
        await comet.RestartAsync();
        await SendAsync(comet, "t", Count, 2 * Count);
        await using var reader = await comet.Client.CreateReaderAsync<string>("t", cancellationToken: Cancelled);
        for (var i = 0; i < 2 * Count; i++)
            Assert.StartsWith($"message {i} ", (await reader.ReceiveAsync(Cancelled)).Value, StringComparison.Ordinal);
        keys = Ring("2027");
        Assert.Contains("'2026'", (await Assert.ThrowsAsync<CometException>(() => comet.RestartAsync())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_topic_says_whether_it_is_compressed_and_its_tiers_go_with_it()
    {
        await using var comet = await StartAsync(local => local with { Compression = CompressionType.Snappy });
        await comet.Client.Topics.CreateAsync("as-broker", cancellationToken: Cancelled);
        await comet.Client.Topics.CreateAsync(
            "plain", policy: new() { StorageCompression = StorageCompression.None }, cancellationToken: Cancelled);
        await SendAsync(comet, "plain", 0, Count);
        await SendAsync(comet, "as-broker", 0, Count);
        await UntilAsync(comet, () => Packed(comet, "as-broker~1") > 3);
        Assert.Equal(0, Packed(comet, "plain~2"));
        await comet.Client.Topics.UpdateAsync("plain", new() { StorageCompression = StorageCompression.Lz4 }, Cancelled);
        await UntilAsync(comet, () => Packed(comet, "plain~2") > 3);
        Assert.Equal(
            StorageCompression.Lz4, (await comet.Client.Topics.DescribeAsync("plain", Cancelled)).Policy.StorageCompression);
    }

    [Fact]
    public async Task A_deleted_topic_leaves_nothing_in_the_tiers()
    {
        await using var comet = await StartAsync(local => local with { Cold = new(Cold, TimeSpan.Zero) });
        await SendAsync(comet, "t", 0, Count);
        await UntilAsync(comet, () => InCold("t~1") > 3);
        await comet.Client.Topics.DeleteAsync("t", Cancelled);
        await UntilAsync(comet, () => !Directory.Exists(Path.Combine(Cold, "t~1")));
        await UntilAsync(comet, () => !Directory.Exists(Path.Combine(comet.Data, "topics", "t~1")));
    }

    /// <summary>Partitions whose files are closed are looked after as well, and their owner can have them any time.</summary>
    [Fact]
    public async Task Partitions_that_rest_are_looked_after_while_their_owners_come_and_go()
    {
        const int Topics = 6;
        await using var comet = await StartAsync(local => local with
        {
            MaxOpenPartitions = 1, Compression = CompressionType.Lz4, UpkeepInterval = TimeSpan.FromDays(1),
        });
        for (var i = 0; i < Topics; i++)
            await SendAsync(comet, $"t{i}", 0, Count / 2);
        comet.Change(local => local with { UpkeepInterval = TimeSpan.FromMilliseconds(10) });
        await comet.RestartAsync();
        var sent = Count / 2;
        while (Enumerable.Range(0, Topics).Any(i => Packed(comet, $"t{i}~{i + 1}") < 2))
        {
            Cancelled.ThrowIfCancellationRequested();
            // One of them is in use all the time.
            await SendAsync(comet, "t0", sent, ++sent);
        }
        for (var i = 0; i < Topics; i++)
        {
            await using var reader = await comet.Client.CreateReaderAsync<string>($"t{i}", cancellationToken: Cancelled);
            for (var message = 0; message < (i == 0 ? sent : Count / 2); message++)
                Assert.StartsWith($"message {message} ", (await reader.ReceiveAsync(Cancelled)).Value, StringComparison.Ordinal);
        }
        Assert.Empty(comet.Warnings);
    }

    private static Task<DurableBroker> StartAsync(Func<LocalStorageOptions, LocalStorageOptions> change) => DurableBroker.StartAsync(
        local => new()
        {
            // Nearly nothing is in memory, so that reading comes from the files.
            MemoryLimit = 64 * 1024,
            LocalStorage = change(local with { MaxSegmentLength = 64 * 1024, UpkeepInterval = TimeSpan.FromMilliseconds(10) }),
        });

    private static JournalKeyRing Ring(params string[] ids) =>
        new(ids[^1], ids.Select(static id => KeyValuePair.Create(id, SHA256.HashData(Encoding.UTF8.GetBytes(id)))));

    /// <summary>Asks until it is so; each time is a round trip, so nothing spins and nothing sleeps.</summary>
    private static async Task UntilAsync(DurableBroker comet, Func<bool> condition)
    {
        while (!condition())
            await comet.Client.PingAsync(Cancelled);
    }

    private static async Task SendAsync(DurableBroker comet, string topic, int first, int end)
    {
        await using var producer = await comet.Client.CreateProducerAsync<string>(topic, new() { MaxBatchMessages = 1 }, Cancelled);
        for (var i = first; i < end; i++)
            await producer.SendAsync($"message {i} ".PadRight(5_000, (char)('a' + (i % 26))), Cancelled);
    }

    private static async Task ReceiveAsync(Consumer<string> consumer, int first, int end)
    {
        for (var i = first; i < end; i++)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            Assert.StartsWith($"message {i} ", delivery.Value, StringComparison.Ordinal);
            await delivery.AckAsync(Cancelled);
        }
    }

    private static int Packed(DurableBroker comet, string topic) => CountIn(Path.Combine(comet.Data, "topics", topic));

    private int InCold(string topic) => CountIn(Path.Combine(Cold, topic));

    private static int CountIn(string directory) => Directory.Exists(directory)
        ? Directory.EnumerateFiles(directory, "*.journal.packed", SearchOption.AllDirectories).Count()
        : 0;
}
