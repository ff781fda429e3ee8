using System.Net;
using System.Net.Sockets;
using System.Text;
using Comet.Client;
using Comet.Integration.Tests.Processes;
using Comet.Server;
using Comet.Server.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Comet.Integration.Tests;

/// <summary>A broker inside a web host of the program's own.</summary>
public sealed class HostingTests
{
    private static CometListenerOptions AnyPort => new() { Endpoint = CometEndpoint.Parse("comet://127.0.0.1:0") };

    private static CometListenerOptions Secure(string? certificate, string? key) =>
        new() { Endpoint = CometEndpoint.Parse("comets://127.0.0.1:0"), CertificateFile = certificate, CertificateKeyFile = key };

    [Fact]
    public async Task A_broker_starts_and_drains_with_its_host()
    {
        await using var app = Build([AnyPort]);
        var listeners = app.Services.GetRequiredService<CometListeners>();
        Assert.Throws<InvalidOperationException>(() => listeners.Endpoints);
        await app.StartAsync();
        var endpoint = Assert.Single(listeners.Endpoints);
        Assert.NotEqual(0, endpoint.Port);

        await using var client = await CometClient.ConnectAsync($"{endpoint}");
        await RoundTripAsync(client);
        await app.StopAsync();

        await client.State.WaitForAsync(ClientState.Reconnecting).WaitAsync(Limits.Wait);
    }

    [Fact]
    public async Task Each_listener_has_its_address_in_their_order()
    {
        using var folder = new TemporaryFolder();
        var certificates = new Certificates(folder);
        var secure = Secure(certificates.CertificateFile, certificates.KeyFile);
        await using var app = Build([secure, AnyPort, AnyPort]);
        await app.StartAsync();
        var endpoints = app.Services.GetRequiredService<CometListeners>().Endpoints;
        Assert.Equal([true, false, false], endpoints.Select(static e => e.UseTls));
        foreach (var endpoint in endpoints)
        {
            var tls = new TlsOptions { TrustedCertificateFile = certificates.AuthorityFile };
            await using var client = await CometClient.ConnectAsync(new CometClientOptions { Addresses = [endpoint], Tls = tls });
            await RoundTripAsync(client);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Other_endpoints_of_the_host_go_on(bool isBefore)
    {
        await using var app = Build(
            [AnyPort],
            static builder => builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0)),
            isBefore);
        app.MapGet("/hello", static () => "hello");
        await app.StartAsync();

        var endpoint = Assert.Single(app.Services.GetRequiredService<CometListeners>().Endpoints);
        await using var client = await CometClient.ConnectAsync($"{endpoint}");
        await RoundTripAsync(client);
        using var http = new HttpClient();
        var other = Assert.Single(app.Urls, url => new Uri(url).Port != endpoint.Port);
        Assert.Equal("hello", await http.GetStringAsync(new Uri($"{other}/hello")));
    }

    [Fact]
    public async Task The_broker_is_reachable_inside_the_process_too()
    {
        await using var app = Build([AnyPort]);
        await app.StartAsync();
        var broker = app.Services.GetRequiredService<CometBroker>();
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport });
        await RoundTripAsync(client);
    }

    [Fact]
    public async Task The_health_check_tells_which_partition_is_offline()
    {
        using var folder = new TemporaryFolder();
        var options = new CometServerOptions { LocalStorage = new() { Directory = folder.Path("data") } };
        await using (var app = Build([AnyPort], options: options))
        {
            await app.StartAsync();
            await using var client = await CometClient.ConnectAsync(
                new CometClientOptions { Transport = app.Services.GetRequiredService<CometBroker>().Transport });
            await RoundTripAsync(client);
            var report = await app.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync();
            Assert.Equal(HealthStatus.Healthy, report.Entries["comet"].Status);
            await app.StopAsync();
        }
        File.WriteAllText(Directory.EnumerateFiles(folder.Path("data"), "journal.meta", SearchOption.AllDirectories).Single(), "x");

        await using var damaged = Build([AnyPort], options: options);
        await damaged.StartAsync();
        await using var asking = await CometClient.ConnectAsync(
            new CometClientOptions { Transport = damaged.Services.GetRequiredService<CometBroker>().Transport });
        var topic = Assert.Single(await asking.Topics.ListAsync()).Name;
        await Assert.ThrowsAsync<CometException>(() => asking.Topics.DescribeAsync(topic));
        var entry = (await damaged.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Entries["comet"];
        Assert.Equal(HealthStatus.Unhealthy, entry.Status);
        Assert.Contains("journal.meta", entry.Description, StringComparison.Ordinal);
        Assert.Contains("journal.meta", (string)entry.Data[$"{topic}/0"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("COME", "")]
    [InlineData("COMET/1\n", "")]
    [InlineData("COMET/1\n\u0064\0\0\0\u0010", "The connection ended in the middle of a frame.")]
    public async Task Who_hangs_up_is_not_told_that_the_broker_stops(string sent, string told)
    {
        await using var app = Build([AnyPort]);
        await app.StartAsync();
        var endpoint = app.Services.GetRequiredService<CometListeners>().Endpoints[0];
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, endpoint.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(sent));
        client.Client.Shutdown(SocketShutdown.Send);

        using var received = new MemoryStream();
        await stream.CopyToAsync(received).WaitAsync(Limits.Wait);

        var answer = Encoding.Latin1.GetString(received.ToArray());
        Assert.StartsWith("COMET/1\n", answer, StringComparison.Ordinal);
        Assert.Contains(told, answer, StringComparison.Ordinal);
        Assert.DoesNotContain("stopping", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_does_not_read_holds_neither_its_connection_nor_the_stop(bool isTold)
    {
        // Hello of version 1 with MessagePack, and requests for the list of topics: the shortest that ask for much.
        var hello = "COMET/1\n\u0016\0\0\0\u0001\0\u0001\u0012\u0097\u0001\u0001\u00A7msgpack\u00A1x\u00A11\u00C4\0\0";
        var request = "\u0006\0\0\0\u0012\0\u0002\u0002\u0091\u00A0";
        await using var app = Build([AnyPort], options: new()
        {
            DrainTimeout = TimeSpan.Zero,
            MaxUnsentBytes = 64 * 1024,
            MaxMessageLength = 1000,
            HeartbeatInterval = TimeSpan.FromMilliseconds(isTold ? 60_000 : 50),
        });
        await app.StartAsync();
        var endpoint = app.Services.GetRequiredService<CometListeners>().Endpoints[0];
        await using (var client = await CometClient.ConnectAsync($"{endpoint}"))
        {
            for (var i = 0; i < 100; i++)
                await client.Topics.CreateAsync($"{i}{new string('x', 150)}");
        }
        using var deaf = new TcpClient { ReceiveBufferSize = 4096 };
        await deaf.ConnectAsync(IPAddress.Loopback, endpoint.Port);
        var stream = deaf.GetStream();
        await stream.WriteAsync(Encoding.Latin1.GetBytes(hello + string.Concat(Enumerable.Repeat(request, 10_000))));

        // Told to stop or not: what it does not take in a few seconds is dropped, and it finds its connection reset.
        if (isTold)
            await app.StopAsync().WaitAsync(Limits.Wait);
        using var limit = new CancellationTokenSource(Limits.Wait);
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            while (true)
            {
                await stream.WriteAsync(new byte[1], limit.Token);
                await Task.Delay(TimeSpan.FromMilliseconds(100), limit.Token);
            }
        });
    }

    [Fact]
    public void Tls_without_its_files_is_told_at_once()
    {
        var secure = Secure(null, null);
        var failure = Assert.Throws<ArgumentException>(() => Build([secure]));
        Assert.Contains(nameof(CometListenerOptions.CertificateFile), failure.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(CometListenerOptions.CertificateKeyFile), failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("text")]
    [InlineData("other key")]
    public void Tls_files_that_do_not_serve_are_named(string what)
    {
        using var folder = new TemporaryFolder();
        var certificates = new Certificates(folder);
        var file = what switch
        {
            "missing" => folder.Path("missing.pem"),
            "text" => folder.Write("text.pem", "no certificate"u8),
            _ => certificates.CertificateFile,
        };
        var key = what == "other key" ? new Certificates(folder, "other").KeyFile : certificates.KeyFile;
        var secure = Secure(file, key);
        var failure = Assert.Throws<ArgumentException>(() => Build([secure]));
        Assert.Contains(file, failure.Message, StringComparison.Ordinal);
        Assert.Contains(key, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_range_are_told_at_once() => Assert.Contains(
        nameof(CometServerOptions.MemoryLimit),
        Assert.Throws<ArgumentException>(() => WebApplication.CreateSlimBuilder().AddCometServer(new() { MemoryLimit = 1 })).Message,
        StringComparison.Ordinal);

    [Fact]
    public async Task A_busy_port_fails_the_start_of_the_host()
    {
        await using var first = Build([AnyPort]);
        await first.StartAsync();
        var endpoint = first.Services.GetRequiredService<CometListeners>().Endpoints[0];
        await using var second = Build([new CometListenerOptions { Endpoint = endpoint }]);
        var failure = await Assert.ThrowsAsync<IOException>(() => second.StartAsync());
        Assert.Contains($"{endpoint.Port}", failure.Message, StringComparison.Ordinal);
    }

    private static WebApplication Build(
        CometListenerOptions[] listeners, Action<WebApplicationBuilder>? configure = null, bool isBefore = false,
        CometServerOptions? options = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (isBefore)
            configure?.Invoke(builder);
        builder.AddCometServer(options, listeners);
        if (!isBefore)
            configure?.Invoke(builder);
        return builder.Build();
    }

    private static async Task RoundTripAsync(CometClient client)
    {
        await using var consumer = await client.SubscribeAsync<string>("t", "s", new() { StartPosition = StartPosition.Earliest });
        await using var producer = await client.CreateProducerAsync<string>("t");
        await producer.SendAsync("hello");
        var delivery = await consumer.ReceiveAsync().AsTask().WaitAsync(Limits.Wait);
        Assert.Equal("hello", delivery.Value);
        await delivery.AckAsync();
    }
}
