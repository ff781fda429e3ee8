namespace Comet.Server.Hosting;

/// <summary>An address that a hosted broker listens on.</summary>
public sealed record CometListenerOptions
{
    /// <summary>Where to listen: an IP address of this machine, localhost, or 0.0.0.0 for all interfaces; port 0 takes
    /// a free one. With <see cref="CometEndpoint.UseTls"/> it speaks TLS 1.3 and nothing older. Default: comet://127.0.0.1:7400.</summary>
    public CometEndpoint Endpoint { get; init; } = new("127.0.0.1", CometEndpoint.DefaultPort);

    /// <summary>PEM file of the certificate, with its chain; needed for TLS.</summary>
    public string? CertificateFile { get; init; }

    /// <summary>PEM file of the certificate's private key; needed for TLS.</summary>
    public string? CertificateKeyFile { get; init; }
}
