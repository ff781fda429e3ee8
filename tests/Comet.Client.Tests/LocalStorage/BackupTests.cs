using System.Diagnostics;
using Comet.Server;

namespace Comet.Client.Tests.LocalStorage;

/// <summary>Backups that are damaged or were cut off, and what happens to topics while a backup is taken.</summary>
public sealed class BackupTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("comet-backup-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Backup => Path.Combine(_folder.FullName, "backup");

    private string Restored => Path.Combine(_folder.FullName, "restored");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("a byte of a message", " is damaged at ")]
    [InlineData("a file", "it is missing")]
    [InlineData("the end of a file", "bytes instead of")]
    [InlineData("a byte of the list", "comet.backup is damaged")]
    [InlineData("a line of the list", "comet.backup is damaged")]
    [InlineData("the list", "is no complete backup")]
    public async Task A_damaged_backup_is_refused_and_nothing_is_left(string damage, string sentence)
    {
        await using var comet = await FilledAsync();
        await LocalBackup.CreateAsync(comet.Data, Backup, cancellationToken: Cancelled);
        var list = Path.Combine(Backup, "comet.backup");
        var segment = Directory.EnumerateFiles(Backup, "*.journal", SearchOption.AllDirectories).First();
        switch (damage)
        {
            case "a byte of a message":
                Change(segment, static bytes => bytes[4096 + 60]++);
                break;
            case "a file":
                File.Delete(segment);
                break;
            case "the end of a file":
                File.WriteAllBytes(segment, File.ReadAllBytes(segment)[..^1]);
                break;
            case "a byte of the list":
                Change(list, static bytes => bytes[bytes.Length / 2]++);
                break;
            case "a line of the list":
                var lines = File.ReadAllLines(list);
                File.WriteAllLines(list, lines.Where((_, index) => index != 1));
                break;
            default:
                File.Delete(list);
                break;
        }

        var refused = await Assert.ThrowsAsync<CometException>(
            () => LocalBackup.RestoreAsync(Backup, Restored, cancellationToken: Cancelled));
        Assert.Equal(ErrorCode.StorageFailed, refused.Code);
        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Restored) && Directory.EnumerateFileSystemEntries(Restored).Any());
    }

    [Fact]
    public async Task A_backup_that_was_cut_off_is_none_and_a_restoration_that_was_is_taken_by_no_broker()
    {
        await using var comet = await FilledAsync();
        using var cut = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => LocalBackup.CreateAsync(comet.Data, Backup, progress: new Cut(cut), cancellationToken: cut.Token));
        var incomplete = await Assert.ThrowsAsync<CometException>(
            () => LocalBackup.RestoreAsync(Backup, Restored, cancellationToken: Cancelled));
        Assert.Contains("is no complete backup", incomplete.Message, StringComparison.Ordinal);

        Directory.Delete(Backup, recursive: true);
        await LocalBackup.CreateAsync(comet.Data, Backup, cancellationToken: Cancelled);
        using var again = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => LocalBackup.RestoreAsync(Backup, Restored, new Cut(again), again.Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Restored));

        // As a process leaves it that is killed before the last step.
        await LocalBackup.RestoreAsync(Backup, Restored, cancellationToken: Cancelled);
        File.Delete(Path.Combine(Restored, "comet.format"));
        var refused = Assert.Throws<CometException>(() => new CometBroker(new() { LocalStorage = new() { Directory = Restored } }));
        Assert.Contains("is no data directory of Comet", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Topics_that_come_and_go_meanwhile_are_in_it_whole_or_not_at_all()
    {
        await using var comet = await FilledAsync();
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var changing = ChangeTopicsAsync(comet, done.Token);
        for (var i = 0; i < 5; i++)
        {
            var backup = $"{Backup}-{i}";
            await LocalBackup.CreateAsync(comet.Data, backup, cancellationToken: Cancelled);
            await LocalBackup.RestoreAsync(backup, $"{Restored}-{i}", cancellationToken: Cancelled);
            await using var broker = new CometBroker(new() { LocalStorage = new() { Directory = $"{Restored}-{i}" } });
            await broker.RecoverAsync(Cancelled);
            await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport }, Cancelled);
            Assert.Equal(["a", "b"], await Eventually.ReadTopicAsync(client, "t"));
            foreach (var topic in await client.Topics.ListAsync("passing", Cancelled))
                Assert.Equal(["x"], (await Eventually.ReadTopicAsync(client, topic.Name)).DefaultIfEmpty("x"));
        }
        await done.CancelAsync();
        await changing;
    }

    [Fact]
    public async Task Without_room_neither_a_backup_nor_a_restoration_is_begun()
    {
        await using var comet = await FilledAsync();
        await LocalBackup.CreateAsync(comet.Data, Backup, cancellationToken: Cancelled);
        var disk = Directory.CreateDirectory(Path.Combine(_folder.FullName, "disk")).FullName;
        if (!OperatingSystem.IsLinux() || !Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk))
            Assert.Skip("Mounting a tmpfs takes Linux and root.");
        try
        {
            var (target, data) = (Path.Combine(disk, "backup"), Path.Combine(disk, "data"));
            foreach (var refused in new[]
            {
                await Assert.ThrowsAsync<CometException>(() => LocalBackup.CreateAsync(comet.Data, target, cancellationToken: Cancelled)),
                await Assert.ThrowsAsync<CometException>(() => LocalBackup.RestoreAsync(Backup, data, cancellationToken: Cancelled)),
            })
            {
                Assert.Equal(ErrorCode.StorageFull, refused.Code);
                Assert.Contains(" bytes, and its disk has ", refused.Message, StringComparison.Ordinal);
            }
            Assert.Empty(Directory.EnumerateFiles(disk, "*", SearchOption.AllDirectories));
        }
        finally
        {
            Run("umount", disk);
        }
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    /// <summary>Scheduled messages, also moved and cancelled ones, and what is known of producers.</summary>
    [Fact]
    public async Task What_waits_for_its_time_and_what_producers_have_sent_is_in_it()
    {
        await using var comet = await FilledAsync();
        await using (var producer = await comet.Client.CreateProducerAsync<string>("t", new() { ProducerName = "p" }, Cancelled))
        {
            await producer.SendAsync(new OutgoingMessage<string>("c") { SequenceId = 7 }, Cancelled);
            for (var i = 0; i < 20; i++)
                await producer.ScheduleAsync($"{i}", TimeSpan.FromDays(1), Cancelled);
            await (await producer.ScheduleAsync("cancelled", TimeSpan.FromDays(1), Cancelled)).CancelAsync(Cancelled);
        }
        // Closed in peace, which saves all there is to save beside the log, and open again.
        await comet.RestartAsync();
        await LocalBackup.CreateAsync(comet.Data, Backup, cancellationToken: Cancelled);
        await LocalBackup.RestoreAsync(Backup, Restored, cancellationToken: Cancelled);
        await using var broker = new CometBroker(new() { LocalStorage = new() { Directory = Restored } });
        await broker.RecoverAsync(Cancelled);
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport }, Cancelled);
        Assert.Equal(20, await client.Schedules.CountAsync("t", cancellationToken: Cancelled));
        await using var again = await client.CreateProducerAsync<string>("t", new() { ProducerName = "p" }, Cancelled);
        Assert.Equal(await LastAsync(comet), again.LastSequenceId);
    }

    private static async Task<long> LastAsync(DurableBroker comet)
    {
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", new() { ProducerName = "p" }, Cancelled);
        return producer.LastSequenceId;
    }

    private static async Task<DurableBroker> FilledAsync()
    {
        var comet = await DurableBroker.StartAsync();
        await using var producer = await comet.Client.CreateProducerAsync<string>("t", cancellationToken: Cancelled);
        await producer.SendAsync("a", Cancelled);
        await producer.SendAsync("b", Cancelled);
        return comet;
    }

    private static async Task ChangeTopicsAsync(DurableBroker comet, CancellationToken done)
    {
        try
        {
            for (var i = 0; ; i++)
            {
                await using (var producer = await comet.Client.CreateProducerAsync<string>($"passing-{i % 8}", cancellationToken: done))
                    await producer.SendAsync("x", done);
                if (i >= 4)
                    await comet.Client.Topics.DeleteAsync($"passing-{(i - 4) % 8}", done);
            }
        }
        catch (OperationCanceledException) when (done.IsCancellationRequested)
        {
            // The test is over.
        }
    }

    private static void Change(string path, Action<byte[]> change)
    {
        var bytes = File.ReadAllBytes(path);
        change(bytes);
        File.WriteAllBytes(path, bytes);
    }

    /// <summary>Cancels at the first sign of progress.</summary>
    private sealed class Cut(CancellationTokenSource source) : IProgress<BackupProgress>
    {
        public void Report(BackupProgress value) => source.Cancel();
    }
}
