using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Comet.Server.Hosting;

/// <summary>Opens the broker's listeners on Kestrel.</summary>
internal sealed class ListenerSetup : IConfigureOptions<KestrelServerOptions>
{
    // One write of a full batch must never find the pipe full; the session's own limits come first.
    private const int PipeBytes = 4 * 1024 * 1024;

    private readonly IReadOnlyList<(CometListenerOptions Options, X509Certificate2Collection? Chain)> _listeners;
    private readonly ListenOptions?[] _opened;

    /// <exception cref="ArgumentException">A host cannot be listened on, TLS lacks its files, or they cannot be read.</exception>
    public ListenerSetup(IReadOnlyList<CometListenerOptions> listeners)
    {
        foreach (var listener in listeners)
        {
            if (!IsLocalhost(listener) && !IsAny(listener) && !IPAddress.TryParse(listener.Endpoint.Host, out _))
            {
                throw new ArgumentException(
                    $"'{listener.Endpoint}' cannot be listened on: its host must be an IP address of this machine, localhost, "
                    + "or * for all interfaces.",
                    nameof(listeners));
            }
        }
        _listeners = [.. listeners.Select(static l => (l, l.Endpoint.UseTls ? LoadChain(l) : null))];
        _opened = new ListenOptions?[listeners.Count];
    }

    /// <summary>The addresses that were opened, with the ports that were really taken; right when the host has started.</summary>
    public IReadOnlyList<CometEndpoint> Endpoints =>
        [.. _listeners.Select((l, i) => l.Options.Endpoint with { Port = _opened[i]?.IPEndPoint?.Port ?? l.Options.Endpoint.Port })];

    public static void Tune(SocketTransportOptions options)
    {
        // Frames are handled where they are received: sessions never block, and each thread hop costs some microseconds.
        options.UnsafePreferInlineScheduling = true;
        options.NoDelay = true;
        options.MaxReadBufferSize = PipeBytes;
        options.MaxWriteBufferSize = PipeBytes;
        options.Backlog = 1024;
    }

    public void Configure(KestrelServerOptions options)
    {
        for (var i = 0; i < _listeners.Count; i++)
        {
            var (index, (listener, chain)) = (i, _listeners[i]);
            Action<ListenOptions> configure = listen => Configure(_opened[index] = listen, chain);
            // A free port is taken of one interface; nobody can promise that it is free on the other one, too.
            if (IsLocalhost(listener) && listener.Endpoint.Port == 0)
                options.Listen(IPAddress.Loopback, 0, configure);
            else if (IsLocalhost(listener))
                options.ListenLocalhost(listener.Endpoint.Port, configure);
            else if (IsAny(listener))
                options.ListenAnyIP(listener.Endpoint.Port, configure);
            else
                options.Listen(IPAddress.Parse(listener.Endpoint.Host), listener.Endpoint.Port, configure);
        }
    }

    private static bool IsLocalhost(CometListenerOptions listener) =>
        string.Equals(listener.Endpoint.Host, "localhost", StringComparison.OrdinalIgnoreCase);

    private static bool IsAny(CometListenerOptions listener) => listener.Endpoint.Host is "*" or "0.0.0.0" or "::";

    private static void Configure(ListenOptions listen, X509Certificate2Collection? chain)
    {
        listen.Protocols = HttpProtocols.None;
        if (chain is not null)
        {
            listen.UseHttps(new TlsHandshakeCallbackOptions
            {
                OnConnection = _ => ValueTask.FromResult(ServerTls(chain)),
            });
        }
        listen.UseConnectionHandler<CometConnectionHandler>();
    }

    private static SslServerAuthenticationOptions ServerTls(X509Certificate2Collection chain) => new()
    {
        EnabledSslProtocols = SslProtocols.Tls13,
        ServerCertificateContext = SslStreamCertificateContext.Create(chain[0], chain, offline: true),
        ApplicationProtocols = [new SslApplicationProtocol("comet/1")],
        AllowTlsResume = false,
    };

    private static X509Certificate2Collection LoadChain(CometListenerOptions listener)
    {
        if (listener.CertificateFile is not { } file || listener.CertificateKeyFile is not { } key)
        {
            throw new ArgumentException(
                $"{listener.Endpoint} speaks TLS: set {nameof(listener.CertificateFile)} and {nameof(listener.CertificateKeyFile)}.",
                nameof(listener));
        }
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(file);
            if (chain.Count == 0)
                throw new ArgumentException("there is no certificate in the first one.");
            chain[0] = X509Certificate2.CreateFromPemFile(file, key);
            return chain;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"'{file}' and '{key}' are not a PEM certificate and its key: {e.Message}", nameof(listener), e);
        }
    }
}
