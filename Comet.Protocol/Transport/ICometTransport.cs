using System.IO.Pipelines;

namespace Comet;

/// <summary>How a client reaches a node. TCP and TLS are built in; a broker in the same process gives an in-memory one.</summary>
public interface ICometTransport
{
    /// <summary>Opens a connection to a node.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.ConnectFailed"/> or <see cref="ErrorCode.CertificateRejected"/>.</exception>
    ValueTask<ICometConnection> ConnectAsync(CometEndpoint endpoint, CancellationToken cancellationToken);
}

/// <summary>An open connection: ordered bytes both ways. Disposing it ends both directions at once; what was not read is lost, so
/// the session drains by protocol first.</summary>
public interface ICometConnection : IDuplexPipe, IAsyncDisposable
{
    /// <summary>The address of the other side, for logs and errors.</summary>
    string RemoteAddress { get; }
}
