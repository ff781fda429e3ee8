using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Comet.Client.Connections;

/// <summary>TCP, and TLS 1.3 over it.</summary>
internal sealed class TcpTransport(TlsOptions tls) : ICometTransport
{
    // A batch then takes one receive call, and a full one fits.
    private const int ReadBuffer = 128 * 1024;
    private const int MinimumRead = 16 * 1024;

    public async ValueTask<ICometConnection> ConnectAsync(CometEndpoint endpoint, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(endpoint.Host, endpoint.Port, cancellationToken);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (endpoint.UseTls)
                stream = await SecureAsync(stream, endpoint, cancellationToken);
            return new TcpConnection(stream, endpoint.ToString());
        }
        catch (SocketException e)
        {
            await CloseAsync(socket, stream);
            throw new CometException(ErrorCode.ConnectFailed, Explain(endpoint, e.SocketErrorCode), e);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            await CloseAsync(socket, stream);
            throw new CometException(
                ErrorCode.NotComet, $"{endpoint} does not speak TLS 1.3: use comet:// for plain TCP, or check the port. ({e.Message})", e);
        }
        catch
        {
            await CloseAsync(socket, stream);
            throw;
        }
    }

    private static string Explain(CometEndpoint endpoint, SocketError error) =>
        error is SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoRecovery or SocketError.NoData
            ? $"The name '{endpoint.Host}' does not resolve ({error}): check how it is written, and that this machine's name server knows "
                + $"it; an address such as {endpoint with { Host = "127.0.0.1" }} needs no name."
            : $"Nothing answers at {endpoint} ({error}): check that the broker runs and that the address is right.";

    private static async Task CloseAsync(Socket socket, Stream? stream)
    {
        if (stream is not null)
            await stream.DisposeAsync();
        socket.Dispose();
    }

    private async Task<Stream> SecureAsync(Stream inner, CometEndpoint endpoint, CancellationToken cancellationToken)
    {
        var stream = new SslStream(inner, leaveInnerStreamOpen: false);
        var host = tls.TargetHost ?? endpoint.Host;
        string? rejection = null;
        try
        {
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = host,
                    EnabledSslProtocols = SslProtocols.Tls13,
                    ApplicationProtocols = [new SslApplicationProtocol("comet/1")],
                    CertificateChainPolicy = tls.TrustedCertificateFile is { } file ? TrustOnly(file) : null,
                    // Judges as the default does; it is here because a failed handshake does not tell whether the certificate is why.
                    RemoteCertificateValidationCallback = (_, _, chain, errors) => (rejection = Explain(errors, chain, host)) is null,
                },
                cancellationToken);
        }
        catch (AuthenticationException e) when (rejection is not null)
        {
            throw new CometException(ErrorCode.CertificateRejected, $"The certificate of {endpoint} is not accepted: {rejection}", e);
        }
        return stream;
    }

    /// <summary>Why a certificate is rejected and what to do; null when it is not.</summary>
    private static string? Explain(SslPolicyErrors errors, X509Chain? chain, string host)
    {
        if (errors == SslPolicyErrors.None)
            return null;
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
            return "the broker showed none.";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return $"it is not for '{host}'. Use a name it was made for, in the address or as "
                + $"{nameof(TlsOptions)}.{nameof(TlsOptions.TargetHost)}.";
        }
        var statuses = string.Join(", ", chain?.ChainStatus.Select(static s => s.Status) ?? []);
        return $"{statuses}. Trust its authority ({nameof(TlsOptions)}.{nameof(TlsOptions.TrustedCertificateFile)}), "
            + "or renew it when it is too old.";
    }

    private static X509ChainPolicy TrustOnly(string file)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        try
        {
            policy.CustomTrustStore.ImportFromPemFile(file);
            // With nothing to trust, every broker's certificate would get the blame.
            if (policy.CustomTrustStore.Count == 0)
                throw new CryptographicException("there is no certificate in it.");
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new CometException(ErrorCode.InvalidArgument, $"'{file}' is not a PEM file of certificates: {e.Message}", e);
        }
        return policy;
    }

    private sealed class TcpConnection(Stream stream, string remoteAddress) : ICometConnection
    {
        public PipeReader Input { get; } = PipeReader.Create(stream,
            new StreamPipeReaderOptions(bufferSize: ReadBuffer, minimumReadSize: MinimumRead, leaveOpen: true));

        public PipeWriter Output { get; } = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));

        public string RemoteAddress { get; } = remoteAddress;

        public ValueTask DisposeAsync() => stream.DisposeAsync();
    }
}
