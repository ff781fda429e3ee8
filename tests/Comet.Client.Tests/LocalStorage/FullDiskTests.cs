using System.Diagnostics;

namespace Comet.Client.Tests.LocalStorage;

/// <summary>A disk without room refuses what is new and nothing else, and goes on by itself.</summary>
public sealed class FullDiskTests
{
    private const int Payload = 20_000;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Producers_are_refused_while_consumers_go_on_and_what_is_acked_makes_room()
    {
        var folder = Directory.CreateTempSubdirectory("comet-full-disk-");
        if (!OperatingSystem.IsLinux() || !Run("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder.FullName))
            Assert.Skip("Mounting a tmpfs takes Linux and root.");
        try
        {
            await using var comet = await DurableBroker.StartAsync(local => new()
            {
                LocalStorage = local with { Directory = Path.Combine(folder.FullName, "data"), MaxSegmentLength = 256 * 1024 },
            });
            await using var consumer = await comet.Client.SubscribeAsync<string>("t", "s", new()
            {
                StartPosition = StartPosition.Earliest, ConfirmAcks = true, Type = SubscriptionType.Shared,
            }, Cancelled);
            await using var producer = await comet.Client.CreateProducerAsync<string>(
                "t", new() { SendTimeout = TimeSpan.FromSeconds(2), MaxBatchMessages = 1 }, Cancelled);

            var stored = await FillAsync(producer);
            Assert.InRange(stored, 20, 1000);

            // Each ack is confirmed, which takes room in the metadata.
            for (var i = 0; i < stored; i++)
            {
                var delivery = await consumer.ReceiveAsync(Cancelled);
                Assert.Equal($"{i} ", delivery.Value.TrimEnd('.'));
                await delivery.AckAsync(Cancelled);
            }

            await using var later = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
            for (var i = 0; i < 20; i++)
                await later.SendAsync("after".PadRight(Payload, '.'), Cancelled);
            Assert.DoesNotContain(comet.Warnings, static line => line.Contains("offline", StringComparison.Ordinal));
        }
        finally
        {
            Run("umount", folder.FullName);
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Sends until the broker has refused for as long as the producer tries; returns how many are stored.</summary>
    private static async Task<int> FillAsync(Producer<string> producer)
    {
        for (var i = 0; ; i++)
        {
            try
            {
                await producer.SendAsync($"{i} ".PadRight(Payload, '.'), Cancelled);
            }
            catch (CometException)
            {
                return i;
            }
        }
    }

    private static bool Run(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
