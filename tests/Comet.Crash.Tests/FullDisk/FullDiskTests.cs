using Comet.Client;
using Comet.Crash.Tests.Disks;
using Comet.Crash.Tests.Load;
using Comet.Crash.Tests.Processes;
using Comet.Journals.Tests.Support;
using Comet.Tests;

namespace Comet.Crash.Tests.FullDisk;

/// <summary>A server whose disk is full, three times in different ways.</summary>
public sealed class FullDiskTests
{
    private const int Length = 8 * 1024;
    private const int AtOnce = 8;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [TakesLong]
    public async Task A_small_tmpfs_that_is_full_loses_nothing_and_goes_on_by_itself()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["mount"]);
        if (!OperatingSystem.IsLinux() || !Tool.Run("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder["mount"]))
            Assert.Skip("Mounting a tmpfs takes Linux and root.");
        try
        {
            await FillThreeTimesAsync(folder["mount"]);
        }
        finally
        {
            Tool.Run("umount", "-l", folder["mount"]);
        }
    }

    [Fact]
    [TakesLong]
    public async Task A_small_ext4_that_is_full_loses_nothing_and_goes_on_by_itself()
    {
        using var folder = new TemporaryFolder();
        using var disk = LoopDisk.TryCreate(folder.Path, 24L << 20);
        if (disk is null)
            Assert.Skip("Making and mounting an ext4 takes Linux, root, mkfs.ext4 and a loop device.");
        await FillThreeTimesAsync(disk.Mount);
    }

    /// <summary>Room comes from what is acked, then behind a kill on the full disk, then from somebody else.</summary>
    private static async Task FillThreeTimesAsync(string disk)
    {
        var foreign = Path.Combine(disk, "foreign");
        await File.WriteAllBytesAsync(foreign, new byte[4 << 20], Cancelled);
        await using var node = await Node.StartAsync(Path.Combine(disk, "data"));
        await using var client = await Workload.ConnectAsync(node.Address);
        await client.Topics.CreateAsync("t", cancellationToken: Cancelled);
        await client.Subscriptions.CreateAsync("t", "s", start: StartPosition.Earliest, cancellationToken: Cancelled);
        var sent = new Sent();

        await FillAsync(client, sent);
        await using var patient = await client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        var waiting = sent.SendAsync(patient);
        await DrainAsync(client, sent);
        await waiting;

        await FillAsync(client, sent);
        await node.KillAsync();
        await node.StartAsync();
        await DrainAsync(client, sent);
        await sent.SendAsync(patient);

        await FillAsync(client, sent);
        waiting = sent.SendAsync(patient);
        File.Delete(foreign);
        await waiting;
        await DrainAsync(client, sent);
        Assert.DoesNotContain("offline", node.Log, StringComparison.Ordinal);
        TestContext.Current.TestOutputHelper?.WriteLine($"{sent.Count} confirmed in all");
    }

    /// <summary>Sends until the server refuses for as long as the producer tries.</summary>
    private static async Task FillAsync(CometClient client, Sent sent)
    {
        await using var producer = await client.CreateProducerAsync<string>(
            "t", new() { SendTimeout = TimeSpan.FromSeconds(2), MaxBatchMessages = 1 }, Cancelled);
        var before = sent.Count;
        var refusals = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(async _ =>
        {
            while (true)
            {
                try
                {
                    await sent.SendAsync(producer);
                }
                catch (CometException e) when (e.InnerException is CometException { Code: ErrorCode.StorageFull })
                {
                    return e;
                }
                catch (CometException e) when (e is { Code: ErrorCode.Timeout, InnerException: null })
                {
                    // The machine is slow; nobody has refused anything.
                }
            }
        }));
        Assert.True(sent.Count > before + 50, "Hardly anything was confirmed before the disk was full.");
        Assert.All(refusals, static refusal => Assert.True(refusal.IsTransient, refusal.Message));
    }

    /// <summary>Receives and acks all that is there, each ack with a confirm: whatever was confirmed comes, and comes once.</summary>
    private static async Task DrainAsync(CometClient client, Sent sent)
    {
        await using var consumer = await client.SubscribeAsync<string>("t", "s", new() { ConfirmAcks = true }, Cancelled);
        var acks = new List<Task>();
        while (sent.Owed > 0)
        {
            var delivery = await consumer.ReceiveAsync(Cancelled);
            sent.Received(delivery.Value);
            acks.Add(delivery.AckAsync(Cancelled).AsTask());
        }
        await Task.WhenAll(acks);
    }

    /// <summary>Which messages were sent, confirmed and received.</summary>
    private sealed class Sent
    {
        private readonly Lock _gate = new();
        private readonly HashSet<int> _confirmed = [];
        private readonly HashSet<int> _received = [];
        private int _owed;
        private int _last;

        /// <summary>How many are confirmed.</summary>
        public int Count
        {
            get
            {
                lock (_gate)
                    return _confirmed.Count;
            }
        }

        /// <summary>How many are confirmed and have not come.</summary>
        public int Owed
        {
            get
            {
                lock (_gate)
                    return _owed;
            }
        }

        public async Task SendAsync(Producer<string> producer)
        {
            var number = Interlocked.Increment(ref _last);
            await producer.SendAsync($"{number}".PadLeft(Length, '.'), Cancelled);
            lock (_gate)
            {
                _confirmed.Add(number);
                _owed += _received.Contains(number) ? 0 : 1;
            }
        }

        public void Received(string value)
        {
            Assert.Equal(Length, value.Length);
            var number = int.Parse(value.TrimStart('.'), System.Globalization.CultureInfo.InvariantCulture);
            Assert.InRange(number, 1, Volatile.Read(ref _last));
            lock (_gate)
            {
                Assert.True(_received.Add(number), $"{number} came again when its ack was confirmed.");
                _owed -= _confirmed.Contains(number) ? 1 : 0;
            }
        }
    }
}
