using System.Net;
using System.Net.Sockets;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>0 done, 1 failed, 2 wrong usage, 3 the count was not reached. Errors go to standard error and say what to do.</summary>
public sealed class ExitCodeTests
{
    // Port 1 on the loopback interface: nobody listens there, and nobody is given it by chance.
    private const string Nobody = "comet://127.0.0.1:1";

    [Theory]
    [InlineData("produce", "t", "--count", "1")]
    [InlineData("consume", "t", "--subscription", "s")]
    [InlineData("topic", "list")]
    [InlineData("bench", "publish", "--scale", "0.001")]
    public async Task Without_a_server_a_command_says_so_and_exits_1(params string[] command)
    {
        var result = (await CometProcess.RunAsync([.. command, "--server", Nobody])).Exits(1);
        Assert.StartsWith("comet: ConnectFailed: Nothing answers at comet://127.0.0.1:1 ", result.Errors, StringComparison.Ordinal);
        Assert.Contains("check that the broker runs", result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.OutputBytes);
    }

    [Fact]
    public async Task With_json_an_error_is_one_line_of_json()
    {
        var result = (await CometProcess.RunAsync("topic", "list", "--json", "--server", Nobody)).Exits(1);
        var error = System.Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>(result.Errors.TrimEnd('\n'));
        Assert.Equal("ConnectFailed", error.GetProperty("error").GetString());
        Assert.StartsWith("Nothing answers", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty(result.OutputBytes);
    }

    [Theory]
    [InlineData("'t u' ", "topic", "create", "t u")]
    [InlineData("InvalidName", "produce", "", "--count", "1")]
    [InlineData("TopicNotFound", "topic", "describe", "missing")]
    [InlineData("TopicNotFound", "topic", "delete", "missing")]
    public async Task What_the_broker_refuses_exits_1_and_tells_why(string said, params string[] command)
    {
        await using var server = await CometServerProcess.StartAsync();
        var result = (await server.RunAsync(command)).Exits(1);
        Assert.Contains(said, result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Required command")]
    [InlineData("'fly'", "fly")]
    [InlineData("Required argument 'topic' missing", "produce")]
    [InlineData("--subscription", "consume", "t")]
    [InlineData("'--fast'", "produce", "t", "--fast")]
    [InlineData("'middle'", "consume", "t", "--subscription", "s", "--from", "middle")]
    [InlineData("'--to' is required", "seek", "t", "--subscription", "s")]
    [InlineData("'ten' is not a duration: write for example 500ms, 10s", "consume", "t", "--subscription", "s", "--timeout", "ten")]
    [InlineData("'-1s' is not a duration", "consume", "t", "--subscription", "s", "--timeout", "-1s")]
    [InlineData("is not a size: write for example 100, 64k", "produce", "t", "--count", "1", "--size", "big")]
    [InlineData("--size 2147483648 is out of range: 0 to 67108864 bytes", "produce", "t", "--count", "1", "--size", "2g")]
    [InlineData("'http://x' is not the address of a node: write comet://host:port", "topic", "list", "--server", "http://x")]
    [InlineData("'127.0.0.1:99999' is not the address of a node", "topic", "list", "-s", "127.0.0.1:99999")]
    [InlineData("There is no file '", "produce", "t", "--file", "/nonexistent/file")]
    [InlineData("'nothing' is not a header: write name=value", "produce", "t", "--count", "1", "--header", "nothing")]
    [InlineData("--count must not be negative", "produce", "t", "--count", "-1")]
    [InlineData("--count must not be negative", "consume", "t", "--subscription", "s", "--count", "-1")]
    [InlineData("give one of the two", "produce", "t", "--count", "1", "--file", "x")]
    [InlineData("is not an address to listen on", "serve", "--listen", "tcp://127.0.0.1:0")]
    [InlineData("is not an address to listen on", "serve", "--listen", "comet://127.0.0.1:70000")]
    [InlineData("give --tls-cert and --tls-key", "serve", "--listen", "comets://127.0.0.1:0")]
    [InlineData("TLS needs both --tls-cert and --tls-key", "serve", "--listen", "comets://127.0.0.1:0", "--tls-cert", "x")]
    [InlineData("There is no file '", "serve", "--tls-cert", "/nonexistent/c", "--tls-key", "/nonexistent/k")]
    [InlineData("out of range: 8 to 1048576", "bench", "publish", "--size", "7")]
    [InlineData("'warp'", "bench", "warp")]
    [InlineData("it needs --nack", "consume", "t", "--subscription", "s", "--delay", "1s")]
    [InlineData("it needs --nack or --dead-letter", "consume", "t", "--subscription", "s", "--reason", "x")]
    [InlineData("give one of the two", "consume", "t", "--subscription", "s", "--nack", "--dead-letter")]
    [InlineData("--producer-name", "produce", "t", "--count", "1", "--first-sequence", "0")]
    [InlineData("--count must be at least 1", "dlq", "list", "t", "--count", "0")]
    [InlineData("There is no file '", "topic", "list", "--tls-ca", "/nonexistent/ca", "--server", "comets://127.0.0.1:1")]
    public async Task Wrong_usage_exits_2_and_says_what_to_write(string said, params string[] command)
    {
        var result = (await CometProcess.RunAsync(command)).Exits(2);
        Assert.Contains(said, result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.OutputBytes);
    }

    [Theory]
    [InlineData("comet: WrongUsage: Unrecognized command or argument 'produc'. Did you mean produce?\nSee 'comet --help'.\n",
        "produc", "t")]
    [InlineData("comet: WrongUsage: Unrecognized command or argument '--fast'.\nSee 'comet consume --help'.\n", "consume", "t", "--fast")]
    [InlineData("comet: WrongUsage: Required command was not provided. It is one of create, list, describe, delete.\n"
        + "See 'comet subscription --help'.\n", "subscription")]
    [InlineData("comet: WrongUsage: --count must not be negative.\nSee 'comet produce --help'.\n", "produce", "t", "--count", "-1")]
    [InlineData("{\"error\":\"WrongUsage\",\"message\":\"Required argument 'topic' missing for command: 'delete'.\"}\n",
        "topic", "delete", "--json")]
    public async Task Wrong_usage_is_one_error_and_where_to_read_more(string errors, params string[] command) =>
        Assert.Equal(errors, (await CometProcess.RunAsync(command)).Exits(2).Errors);

    [Fact]
    public async Task A_count_that_does_not_come_within_the_timeout_exits_3_with_what_came()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync("produce", "t", "--count", "2", "--size", "3")).Exits(0);
        string[] consume = ["consume", "t", "--subscription", "s", "--from", "earliest", "--timeout", "300ms"];
        var result = (await server.RunAsync([.. consume, "--count", "3"])).Exits(3);
        Assert.Equal("0..\n1..\n", result.Output);
        Assert.Equal("comet: 2 of 3 messages came; 'comet explain t s' tells why no more did\n", result.Errors);
    }

    [Fact]
    public async Task A_timeout_without_a_count_exits_0_with_what_came()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await server.RunAsync("produce", "t", "--count", "2", "--size", "3")).Exits(0);
        string[] consume = ["consume", "t", "--subscription", "s", "--from", "earliest", "--timeout", "300ms"];
        Assert.Equal("0..\n1..\n", (await server.RunAsync(consume)).Exits(0).Output);
        Assert.Equal("", (await server.RunAsync(consume)).Exits(0).Output);
    }

    [Fact]
    public async Task A_busy_port_is_told_and_exits_1()
    {
        using var busy = new TcpListener(IPAddress.Loopback, 0);
        busy.Start();
        var port = ((IPEndPoint)busy.LocalEndpoint).Port;
        var result = (await CometProcess.RunAsync("serve", "--listen", $"comet://127.0.0.1:{port}")).Exits(1);
        Assert.StartsWith("comet: ListenFailed: ", result.Errors, StringComparison.Ordinal);
        Assert.Contains($"comet://127.0.0.1:{port}", result.Errors, StringComparison.Ordinal);
        Assert.Contains("in use", result.Errors, StringComparison.Ordinal);
        Assert.Empty(result.OutputBytes);
    }

    [Theory]
    [InlineData("comet://192.0.2.1:0")]
    [InlineData("comet://no-such-host.invalid:0")]
    public async Task An_address_that_is_not_of_this_machine_is_told(string address)
    {
        var result = await CometProcess.RunAsync("serve", "--listen", address);
        Assert.InRange(result.ExitCode, 1, 2);
        Assert.Contains(address[..^2], result.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_environment_names_the_server_where_the_command_does_not()
    {
        await using var server = await CometServerProcess.StartAsync();
        async Task<CometResult> RunAsync(string variable, params string[] command)
        {
            await using var process = CometProcess.StartUnder(["env", $"COMET_SERVER={variable}"], command);
            return await process.WaitForExitAsync();
        }

        (await RunAsync($"comet://127.0.0.1:1, {server.Address}", "topic", "create", "t")).Exits(0);
        Assert.Single((await RunAsync("comet://127.0.0.1:1", "topic", "list", "--server", server.Address)).Exits(0).Lines);
        Assert.Contains($"connect {server.Address}", (await RunAsync(server.Address, "doctor")).Exits(0).Output, StringComparison.Ordinal);
        Assert.Contains("COMET_SERVER: 'http://x' is not the address of a node",
            (await RunAsync("http://x", "topic", "list")).Exits(2).Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_name_localhost_can_be_listened_on()
    {
        await using var server = await CometServerProcess.StartAtAsync("comet://localhost:0");
        (await server.RunAsync("topic", "list")).Exits(0);
    }
}
