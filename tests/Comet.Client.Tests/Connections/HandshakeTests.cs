using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Comet.Transport;
using Comet.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Connections;

public sealed class HandshakeTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    public HandshakeTests() => _listener.Start();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose() => _listener.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nobody_there_is_ConnectFailed(bool useTls)
    {
        var port = Port;
        _listener.Stop();
        Assert.Equal(ErrorCode.ConnectFailed, (await RefusedAsync(new("127.0.0.1", port, useTls))).Code);
    }

    [Fact]
    public async Task Who_accepts_and_never_answers_is_told_by_HandshakeTimeout_when_the_time_is_over()
    {
        var time = new FakeTimeProvider();
        var connecting = RefusedAsync(new("127.0.0.1", Port), new() { TimeProvider = time });
        using var accepted = await _listener.AcceptTcpClientAsync(Cancelled);
        // Hello is here: the client is in the handshake, and its clock stands still.
        await accepted.GetStream().ReadExactlyAsync(new byte[Preface.Length + 1], Cancelled);
        time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(connecting.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(ErrorCode.HandshakeTimeout, (await connecting).Code);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n")]
    [InlineData("\u0015\u0003\u0003\0\u0002\u0002F")]
    public async Task What_is_not_Comet_is_NotComet(string answer)
    {
        var connecting = RefusedAsync(new("127.0.0.1", Port));
        using var accepted = await _listener.AcceptTcpClientAsync(Cancelled);
        await accepted.GetStream().WriteAsync(Encoding.Latin1.GetBytes(answer), Cancelled);
        Assert.Equal(ErrorCode.NotComet, (await connecting).Code);
    }

    [Fact]
    public async Task Who_hangs_up_before_Welcome_is_ConnectFailed()
    {
        var connecting = RefusedAsync(new("127.0.0.1", Port));
        using (var accepted = await _listener.AcceptTcpClientAsync(Cancelled))
            await accepted.GetStream().ReadExactlyAsync(new byte[Preface.Length + 1], Cancelled);
        Assert.Equal(ErrorCode.ConnectFailed, (await connecting).Code);
    }

    [Fact]
    public async Task Who_hangs_up_over_TLS_before_Welcome_does_not_accept_the_client()
    {
        var options = new CometClientOptions { Transport = new HangUpTransport() };
        Assert.Equal(ErrorCode.AuthenticationFailed, (await RefusedAsync(new("127.0.0.1", 7400, true), options)).Code);
    }

    [Fact]
    public async Task A_codec_that_the_broker_lacks_is_UnsupportedCodec()
    {
        await using var broker = new Comet.Server.CometBroker();
        var options = new CometClientOptions { HeaderCodec = new UnknownCodec(), Transport = broker.Transport };
        Assert.Equal(ErrorCode.UnsupportedCodec, (await RefusedAsync(options.Addresses[0], options)).Code);
    }

    [Fact]
    public async Task TLS_to_a_plain_broker_is_NotComet_and_says_so()
    {
        var connecting = RefusedAsync(new("127.0.0.1", Port, UseTls: true));
        using var accepted = await _listener.AcceptTcpClientAsync(Cancelled);
        await accepted.GetStream().WriteAsync(Preface.Bytes.ToArray(), Cancelled);
        var refused = await connecting;
        Assert.Equal(ErrorCode.NotComet, refused.Code);
        Assert.Contains("does not speak TLS", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_does_not_resolve_is_told_with_what_to_do()
    {
        // A name server that is slow to say so must not be taken for a broker that is.
        var options = new CometClientOptions { ConnectTimeout = TimeSpan.FromSeconds(25) };
        var refused = await RefusedAsync(new("no-such-host.invalid", Port), options);
        Assert.Equal(ErrorCode.ConnectFailed, refused.Code);
        Assert.StartsWith("The name 'no-such-host.invalid' does not resolve (", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith($"an address such as comet://127.0.0.1:{Port} needs no name.", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_address_at_all_is_an_ArgumentNullException() =>
        await Assert.ThrowsAsync<ArgumentNullException>("address", () => CometClient.ConnectAsync((string)null!, Cancelled));

    [Fact]
    public async Task Plain_to_a_TLS_broker_fails_at_once()
    {
        using var certificate = CreateCertificate("localhost");
        var connecting = RefusedAsync(new("127.0.0.1", Port));
        using var accepted = await _listener.AcceptTcpClientAsync(Cancelled);
        await using (var tls = new SslStream(accepted.GetStream()))
            await Assert.ThrowsAnyAsync<Exception>(() => tls.AuthenticateAsServerAsync(certificate));
        Assert.Contains((await connecting).Code, new[] { ErrorCode.NotComet, ErrorCode.ConnectFailed });
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_is_CertificateRejected()
    {
        using var certificate = CreateCertificate("localhost");
        var connecting = RefusedAsync(new("127.0.0.1", Port, UseTls: true));
        using var accepted = await _listener.AcceptTcpClientAsync(Cancelled);
        await using var tls = new SslStream(accepted.GetStream());
        var serving = tls.AuthenticateAsServerAsync(certificate);
        Assert.Equal(ErrorCode.CertificateRejected, (await connecting).Code);
        await Assert.ThrowsAnyAsync<Exception>(
            async () =>
            {
                await serving;
                await tls.ReadExactlyAsync(new byte[1], Cancelled);
            });
    }

    [Fact]
    public async Task A_frame_that_is_too_long_before_Welcome_ends_the_attempt()
    {
        var connecting = RefusedAsync(new("127.0.0.1", Port));
        using var accepted = await _listener.AcceptTcpClientAsync(Cancelled);
        await accepted.GetStream().WriteAsync((byte[])[.. Preface.Bytes, 0xFF, 0xFF, 0xFF, 0x7F], Cancelled);
        Assert.Equal(ErrorCode.FrameTooLarge, (await connecting).Code);
    }

    [Fact]
    public async Task A_wrong_answer_to_Hello_is_ProtocolViolation()
    {
        var connecting = RefusedAsync(new("127.0.0.1", Port));
        using var accepted = await _listener.AcceptTcpClientAsync(Cancelled);
        var sender = new FrameSender(System.IO.Pipelines.PipeWriter.Create(accepted.GetStream()), HeaderCodec.MessagePack, 1024);
        sender.SendPreface();
        sender.Send(default(OkFrame), 1);
        Assert.Equal(ErrorCode.ProtocolViolation, (await connecting).Code);
    }

    [Fact]
    public async Task A_cancelled_connect_throws_what_cancelling_throws()
    {
        using var source = new CancellationTokenSource();
        var connecting = CometClient.ConnectAsync(new CometClientOptions { Addresses = [new("127.0.0.1", Port)] }, source.Token);
        using var accepted = await _listener.AcceptTcpClientAsync(Cancelled);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
    }

    private static async Task<CometException> RefusedAsync(CometEndpoint endpoint, CometClientOptions? options = null) =>
        await Assert.ThrowsAsync<CometException>(() => CometClient.ConnectAsync(
            (options ?? new()) with { Addresses = [endpoint] }, Cancelled));

    private static X509Certificate2 CreateCertificate(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    private sealed class UnknownCodec : HeaderCodec
    {
        public override string Name => "unknown";

        protected override IHeaderWriter CreateWriter(System.Buffers.IBufferWriter<byte> output) => throw new NotSupportedException();

        protected override IHeaderReader CreateReader(System.Buffers.ReadOnlySequence<byte> header) => throw new NotSupportedException();
    }

    /// <summary>A broker that refuses every certificate: with TLS 1.3 the client only sees the connection end.</summary>
    private sealed class HangUpTransport : ICometTransport
    {
        public async ValueTask<ICometConnection> ConnectAsync(CometEndpoint endpoint, CancellationToken cancellationToken)
        {
            var (client, server) = InMemoryConnection.CreatePair();
            await server.DisposeAsync();
            return client;
        }
    }
}
