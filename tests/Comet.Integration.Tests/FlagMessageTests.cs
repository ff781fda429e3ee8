using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>What is wrong with a value is told about the flag that was typed, with the value as it was typed; no name from the code is
/// in it.</summary>
public sealed class FlagMessageTests
{
    // Stands for a directory of the test that is not there.
    private const string Nowhere = "nowhere";

    [Theory]
    [InlineData("--node-id is no spaces; it must follow the rules for names: 1 to 200", "serve", "--node-id", "no spaces")]
    [InlineData("--node-id is a;b; it must follow", "serve", "--node-id", "a;b")]
    [InlineData("--node-id is a MemoryLimit b; it must follow", "serve", "--node-id", "a MemoryLimit b")]
    [InlineData("/no Cold place; it must be another one", "serve", "--data", "/no Cold place", "--cool", "/no Cold place", "--cool-after",
        "1d")]
    [InlineData("directory: '' is not a value for it", "journal", "append", "")]
    [InlineData("--memory-limit is 1k; it must be from 65536 to", "serve", "--memory-limit", "1k")]
    [InlineData("--partitions is 0; it must be from 1 to 1024", "serve", "--partitions", "0")]
    [InlineData("--max-scheduled is -1; it must be from 0 to", "serve", "--max-scheduled", "-1")]
    [InlineData("--segment-size is 1k; it must be from 16384 to", "serve", "--data", Nowhere, "--segment-size", "1k")]
    [InlineData("--upkeep-interval is 1ms; it must be from 10 ms", "serve", "--data", Nowhere, "--upkeep-interval", "1ms")]
    [InlineData("--cool is the directory of the data", "serve", "--data", Nowhere, "--cool", Nowhere, "--cool-after", "1d")]
    [InlineData("--cold (", "serve", "--data", Nowhere, "--cool", "c", "--cool-after", "2d", "--cold", "d", "--cold-after", "1d")]
    [InlineData("has to be another directory than --cool (", "serve", "--data", Nowhere, "--cool", "c", "--cool-after", "2d", "--cold",
        "c", "--cold-after", "3d")]
    [InlineData("The key 'a' is given more than once", "serve", "--data", Nowhere, "--key", "a=X", "--key", "a=Y")]
    [InlineData("The key 'a' is given more than once", "journal", "verify", ".", "--key", "a=X", "--key", "a=X")]
    [InlineData("--partitions: 'two' is not a whole number", "serve", "--partitions", "two")]
    [InlineData("--partitions: '99999999999' is not a whole number, or too large a one", "topic", "create", "t", "-p", "99999999999")]
    [InlineData("--scale: 'fast' is not a number", "bench", "--scale", "fast")]
    [InlineData("--scale must be more than 0", "bench", "--scale", "0")]
    [InlineData("--repeat must be at least 1", "bench", "--repeat", "0")]
    [InlineData("--size is from 1 to", "journal", "bench", Nowhere, "--size", "0")]
    [InlineData("--compression: 'zip' is not one of them: write none, lz4 or snappy", "produce", "t", "--compression", "zip")]
    [InlineData("--compression: '7' is not one of them", "produce", "t", "--compression", "7")]
    [InlineData("--durability: '7' is not one of them: write os or disk", "journal", "append", Nowhere, "--durability", "7")]
    [InlineData("The header 'a' is given more than once", "produce", "t", "--header", "a=X", "-H", "a=Y")]
    [InlineData("--partitions must not be negative", "topic", "create", "t", "--partitions", "-1")]
    [InlineData("--partitions must be at least 1", "topic", "update", "t", "--partitions", "0")]
    [InlineData("--ttl is 0; it must be 1ms or more, or 'none'", "topic", "create", "t", "--ttl", "0")]
    [InlineData("--quota is 0; it must be 1 byte or more, or 'none'", "topic", "update", "t", "--quota", "0")]
    [InlineData("--retention-messages is -1; it must be 0 or more", "topic", "create", "t", "--retention-messages", "-1")]
    public async Task A_wrong_value_is_told_about_the_flag(string said, params string[] command)
    {
        using var folder = new TemporaryFolder();
        string[] listen = command[0] == "serve" ? ["--listen", "comet://127.0.0.1:0"] : [];
        AssertTold(said, await CometProcess.RunAsync(
            [.. command.Select(word => word == Nowhere ? folder.Path(Nowhere) : word), .. listen]));
        Assert.False(Directory.Exists(folder.Path(Nowhere)));
    }

    [Fact]
    public async Task A_wrong_value_of_a_producer_or_consumer_is_told_about_the_flag()
    {
        await using var server = await CometServerProcess.StartAsync();
        foreach (var (said, command) in ((string, string[])[])
        [
            ("--timeout is 0; it must be longer than zero", ["produce", "t", "--count", "1", "--timeout", "0"]),
            ("--lease is 1ms; it must be from 100 ms", ["consume", "t", "--subscription", "s", "--lease", "1ms"]),
            ("--max-deliveries is -1; it must be from 0 to", ["consume", "t", "--subscription", "s", "--max-deliveries", "-1"]),
        ])
            AssertTold(said, await server.RunAsync(command));
    }

    private static void AssertTold(string said, CometResult result)
    {
        Assert.Contains(said, result.Exits(2).Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Parameter '", result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", result.Errors, StringComparison.Ordinal);
        Assert.Contains("--help'.", result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.OutputBytes);
    }
}
