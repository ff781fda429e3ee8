using System.Text;
using Comet.Client;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests.Journals;

/// <summary>comet journal on the partitions of a server that is stopped.</summary>
public sealed class PartitionCommandTests : IDisposable
{
    private const int Count = 400;

    private readonly TemporaryFolder _folder = new();

    private string Data => _folder.Path("data");

    private string Partition => Path.Combine(Data, "topics", "t~1", "0");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Messages_are_dumped_and_files_are_checked_with_the_key_where_they_are_encrypted()
    {
        var key = $"k={_folder.Write("key", Encoding.ASCII.GetBytes(new string('7', 64)))}";
        await using (var server = await CometServerProcess.StartAsync(
            "--storage", "local", "--data", Data, "--segment-size", "64k", "--storage-compression", "lz4", "--key", key,
            "--upkeep-interval", "10ms"))
        {
            var lines = string.Concat(Enumerable.Range(0, Count).Select(static i => $"{i} {new string('.', 1000)}\n"));
            (await CometProcess.RunWithInputAsync(
                Encoding.ASCII.GetBytes(lines), "produce", "t", "--key", "blue", "--server", server.Address)).Exits(0);
            // What is packed is waited for.
            while (!Directory.EnumerateFiles(Partition, "*.packed").Any())
                (await server.RunAsync("topic", "list")).Exits(0);
            server.Process.Send(Signal.Terminate);
            (await server.Process.WaitForExitAsync()).Exits(0);
        }

        var dump = await CometProcess.RunAsync("journal", "dump", Partition, "--key", key);
        Assert.Equal(Enumerable.Range(0, Count), dump.Exits(0).Lines.Select(static line => int.Parse(line.Split(' ')[0])));
        Assert.Contains("partition of a broker", dump.Errors, StringComparison.Ordinal);
        var json = (await CometProcess.RunAsync("journal", "dump", Partition, "--key", key, "--json", "--count", "3")).Exits(0).Json;
        Assert.Equal([0L, 1L, 2L], json.Select(static line => line.GetProperty("offset").GetInt64()));
        Assert.All(json, static line => Assert.Equal("blue", line.GetProperty("key").GetString()));
        var recent = await CometProcess.RunAsync("journal", "dump", Partition, "--key", key, "--from", "1h");
        Assert.Equal(Count, recent.Exits(0).Lines.Length);
        var raw = (await CometProcess.RunAsync("journal", "dump", Partition, "--key", key, "--raw", "--json")).Exits(0);
        Assert.InRange(raw.Lines.Length, 1, Count);
        Assert.Equal("", raw.Errors);
        var append = await CometProcess.RunWithInputAsync("line\n"u8.ToArray(), "journal", "append", Partition);
        Assert.Contains("belongs to a broker's data", append.Exits(2).Errors, StringComparison.Ordinal);
        (await CometProcess.RunAsync("journal", "verify", Partition, "--key", key)).Exits(0);
        Assert.Equal(Count, (await CometProcess.RunAsync("journal", "dump", Partition, "--key", key)).Exits(0).Lines.Length);
        Assert.Contains("records, sequences 0 to",
            (await CometProcess.RunAsync("journal", "stat", Partition, "--key", key)).Exits(0).Output, StringComparison.Ordinal);

        var without = (await CometProcess.RunAsync("journal", "dump", Partition)).Exits(1);
        Assert.Contains("encrypted with the key 'k'", without.Errors, StringComparison.Ordinal);
        Assert.Contains("--key k=FILE", without.Errors, StringComparison.Ordinal);
        var serve = await CometProcess.RunAsync("serve", "--listen", "comet://127.0.0.1:0", "--storage", "local", "--data", Data);
        Assert.Contains("the key 'k', which was not given", serve.Exits(1).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_appended_to_a_partition_whose_broker_would_take_it_for_damage()
    {
        await using (var server = await CometServerProcess.StartAsync("--storage", "local", "--data", Data))
        {
            (await CometProcess.RunWithInputAsync("one\n"u8.ToArray(), "produce", "t", "--server", server.Address)).Exits(0);
            server.Process.Send(Signal.Terminate);
            (await server.Process.WaitForExitAsync()).Exits(0);
        }
        foreach (var directory in (string[])[Partition, Path.Combine(Data, "new")])
        {
            var append = await CometProcess.RunWithInputAsync("two\n"u8.ToArray(), "journal", "append", directory);
            Assert.Contains("belongs to a broker's data", append.Exits(2).Errors, StringComparison.Ordinal);
        }
        var copy = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(Data)!, "copy")).FullName;
        foreach (var file in Directory.EnumerateFiles(Partition))
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        var elsewhere = await CometProcess.RunWithInputAsync("two\n"u8.ToArray(), "journal", "append", copy);
        Assert.Contains("is a partition of a broker", elsewhere.Exits(2).Errors, StringComparison.Ordinal);
        Assert.Equal("one\n", (await CometProcess.RunAsync("journal", "dump", Partition)).Exits(0).Output);
        Assert.False(Directory.Exists(Path.Combine(Data, "new")));
    }

    [Fact]
    public async Task What_a_repair_could_not_keep_is_passed_over_and_all_else_comes()
    {
        string[] serve = ["--storage", "local", "--data", Data];
        string[] subscriptions = ["exclusive", "key-shared"];
        await using (var server = await CometServerProcess.StartAsync(serve))
        {
            await using var client = await CometClient.ConnectAsync(server.Address);
            await using var producer = await client.CreateProducerAsync<string>("t");
            // Each is confirmed before the next is sent, so each is a record by itself.
            for (var i = 0; i < 5; i++)
                await producer.SendAsync($"message {i}");
            foreach (var type in subscriptions)
                (await server.RunAsync("subscription", "create", "t", type, "--type", type, "--from", "earliest")).Exits(0);
            server.Process.Send(Signal.Terminate);
            (await server.Process.WaitForExitAsync()).Exits(0);
        }
        var segment = Assert.Single(Directory.GetFiles(Partition, "*.journal"));
        var bytes = await File.ReadAllBytesAsync(segment);
        bytes[bytes.AsSpan().IndexOf("message 2"u8)] ^= 1;
        await File.WriteAllBytesAsync(segment, bytes);
        (await CometProcess.RunAsync("journal", "verify", Partition)).Exits(1);
        var repair = (await CometProcess.RunAsync("journal", "repair", Partition)).Exits(0);
        Assert.Contains("records with sequences 2 to 2 are lost", repair.Output, StringComparison.Ordinal);

        await using var repaired = await CometServerProcess.StartAsync(serve);
        foreach (var type in subscriptions)
        {
            var consumed = await repaired.RunAsync("consume", "t", "--subscription", type, "--type", type, "--count", "4");
            Assert.Equal(["message 0", "message 1", "message 3", "message 4"], consumed.Exits(0).Lines);
            var described = (await repaired.RunAsync("subscription", "describe", "t", type)).Exits(0);
            Assert.Contains("backlog 0", described.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_stands_for_the_storage_goes_with_local_storage_only_and_is_checked()
    {
        foreach (var (arguments, sentence) in ((string[], string)[])
        [
            (["--storage-compression", "lz4"], "--storage-compression is for messages that are kept on disk: it needs --data"),
            (["--storage", "local", "--data", Data, "--cold", Data], "--cold and --cold-after go together"),
            (["--storage", "local", "--data", Data, "--cold", Data, "--cold-after", "1d"], "it must be another one"),
            (["--storage", "local", "--data", Data, "--key", "k"], "'k' is no key"),
            (["--storage", "local", "--data", Data, "--key", "k=nowhere"], "There is no key file 'nowhere'"),
        ])
        {
            var result = await CometProcess.RunAsync(["serve", "--listen", "comet://127.0.0.1:0", .. arguments]);
            Assert.Contains(sentence, result.Exits(2).Errors, StringComparison.Ordinal);
        }
        Assert.False(Directory.Exists(Data));
    }
}
