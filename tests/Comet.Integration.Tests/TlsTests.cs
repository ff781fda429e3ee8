using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Comet.Client;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>TLS: whom a client trusts, and a code of its own for each way in which it does not come about.</summary>
public sealed class TlsTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly Certificates _certificates;
    private CometServerProcess _server = null!;

    public TlsTests() => _certificates = new Certificates(_folder);

    public async ValueTask InitializeAsync() =>
        _server = await CometServerProcess.StartAsync("--tls-cert", _certificates.CertificateFile, "--tls-key", _certificates.KeyFile);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_client_that_trusts_the_authority_sends_and_receives()
    {
        Assert.StartsWith("comets://127.0.0.1:", _server.Address, StringComparison.Ordinal);
        (await _server.RunAsync("produce", "t", "--count", "1000", "--tls-ca", _certificates.AuthorityFile)).Exits(0);
        await using var client = await ConnectAsync(_server.Address, _certificates.AuthorityFile);
        await using var consumer = await client.SubscribeAsync<string>("t", "s", new() { StartPosition = StartPosition.Earliest });
        for (var i = 0; i < 1_000; i++)
            Assert.StartsWith($"{i}.", (await consumer.ReceiveAsync()).Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_name_localhost_is_in_the_certificate_too()
    {
        var address = _server.Address.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
        await using var client = await ConnectAsync(address, _certificates.AuthorityFile);
        await client.PingAsync();
    }

    [Fact]
    public async Task Without_trust_the_certificate_is_rejected()
    {
        var failure = await FailsAsync(() => ConnectAsync(_server.Address, null), ErrorCode.CertificateRejected);
        Assert.Contains(nameof(TlsOptions.TrustedCertificateFile), failure.Message, StringComparison.Ordinal);
        var result = (await _server.RunAsync("topic", "list")).Exits(1);
        Assert.StartsWith("comet: CertificateRejected: ", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Trust_in_another_authority_is_no_trust()
    {
        var other = new Certificates(_folder, "other").AuthorityFile;
        await FailsAsync(() => ConnectAsync(_server.Address, other), ErrorCode.CertificateRejected);
    }

    [Fact]
    public async Task A_certificate_for_another_name_is_rejected()
    {
        var failure = await FailsAsync(
            () => ConnectAsync(_server.Address, _certificates.AuthorityFile, "other.example"), ErrorCode.CertificateRejected);
        Assert.Contains("it is not for 'other.example'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_certificate_is_named()
    {
        var file = _folder.Write("text.pem", "no certificate"u8);
        var failure = await FailsAsync(() => ConnectAsync(_server.Address, file), ErrorCode.InvalidArgument);
        Assert.Contains(file, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_with_files_that_do_not_serve_exits_2_and_names_them()
    {
        var file = _folder.Write("text.pem", "no certificate"u8);
        var key = _certificates.KeyFile;
        var result = await CometProcess.RunAsync("serve", "--listen", "comets://127.0.0.1:0", "--tls-cert", file, "--tls-key", key);
        Assert.StartsWith($"comet: WrongUsage: '{file}' and '{key}' are not a PEM", result.Exits(2).Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plain_client_at_a_tls_port_is_told_to_use_tls()
    {
        // The port is silent and closes, as that of a broker does which is going down: hence a transient code and a hint.
        var address = _server.Address.Replace("comets:", "comet:", StringComparison.Ordinal);
        var failure = await FailsAsync(() => ConnectAsync(address, null), ErrorCode.ConnectFailed);
        Assert.Contains("if it speaks TLS, write comets://", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tls_client_at_a_plain_port_is_told_to_use_plain_tcp()
    {
        await using var plain = await CometServerProcess.StartAsync();
        var address = plain.Address.Replace("comet:", "comets:", StringComparison.Ordinal);
        var failure = await FailsAsync(() => ConnectAsync(address, _certificates.AuthorityFile), ErrorCode.NotComet);
        Assert.Contains("use comet://", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SslProtocols.Tls13, true)]
    [InlineData(SslProtocols.Tls12, false)]
    public async Task Only_tls_1_3_is_spoken(SslProtocols protocol, bool isSpoken)
    {
        var port = CometEndpoint.Parse(_server.Address).Port;
        using var tcp = new TcpClient();
        await tcp.ConnectAsync("127.0.0.1", port);
        await using var stream = new SslStream(tcp.GetStream());
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.ImportFromPemFile(_certificates.AuthorityFile);
        var handshake = stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost", EnabledSslProtocols = protocol, ApplicationProtocols = [new("comet/1")],
            CertificateChainPolicy = trust,
        });
        var failure = await Record.ExceptionAsync(() => handshake.WaitAsync(Limits.Wait));
        Assert.Equal(isSpoken, failure is null);
        Assert.True(failure is null or AuthenticationException or IOException, $"{failure}");
        Assert.Equal(isSpoken, stream.IsAuthenticated);
    }

    private static Task<CometClient> ConnectAsync(string address, string? trusted, string? targetHost = null) =>
        CometClient.ConnectAsync(new CometClientOptions
        {
            Addresses = [CometEndpoint.Parse(address)], Tls = new TlsOptions { TrustedCertificateFile = trusted, TargetHost = targetHost },
        });

    private static async Task<CometException> FailsAsync(Func<Task<CometClient>> connectAsync, ErrorCode code)
    {
        var failure = await Assert.ThrowsAsync<CometException>(connectAsync);
        Assert.True(code == failure.Code, $"The code is {failure.Code} and not {code}: {failure.Message}");
        return failure;
    }
}
