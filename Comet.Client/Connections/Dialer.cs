namespace Comet.Client.Connections;

/// <summary>Opens connections, one attempt at one node at a time, and says exactly why one fails.</summary>
internal sealed class Dialer(CometClientOptions options)
{
    private readonly ICometTransport _transport = options.Transport ?? new TcpTransport(options.Tls);
    private int _next;

    /// <summary>Tries the next node.</summary>
    /// <exception cref="CometException">Why it failed.</exception>
    public Task<Connection> DialNextAsync(CancellationToken cancellationToken)
    {
        var index = (int)((uint)Interlocked.Increment(ref _next) - 1) % options.Addresses.Count;
        return DialAsync(options.Addresses[index], cancellationToken);
    }

    private async Task<Connection> DialAsync(CometEndpoint endpoint, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        ICometConnection? transport = null;
        Connection? connection = null;
        try
        {
            transport = await _transport.ConnectAsync(endpoint, either.Token);
            connection = new Connection(transport, options.TimeProvider);
            await connection.OpenAsync(options, either.Token);
            return connection;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            await EndAsync(transport, connection);
            throw transport is null
                ? new CometException(ErrorCode.ConnectFailed,
                    $"{endpoint} did not answer within {options.ConnectTimeout.TotalSeconds:0.#} s: check the address and firewalls.")
                : new CometException(ErrorCode.HandshakeTimeout,
                    $"{endpoint} accepted the connection but did not finish the handshake within "
                    + $"{options.ConnectTimeout.TotalSeconds:0.#} s: is it a Comet broker?");
        }
        catch (CometException e) when (e.Code == ErrorCode.ConnectionLost && connection is not null)
        {
            await EndAsync(transport, connection);
            // An end before Welcome is how a refused certificate looks with TLS 1.3, and no reason to try other nodes for ever.
            throw endpoint.UseTls
                ? new CometException(ErrorCode.AuthenticationFailed,
                    $"{endpoint} ended the connection before Welcome: it does not accept this client.", e)
                : new CometException(
                    ErrorCode.ConnectFailed,
                    $"{endpoint} ended the connection before the handshake was done. It may be stopping; if it speaks TLS, "
                    + $"write comets://. ({e.Message})",
                    e);
        }
        catch
        {
            await EndAsync(transport, connection);
            throw;
        }
    }

    private static async Task EndAsync(ICometConnection? transport, Connection? connection)
    {
        if (connection is not null)
            await connection.DisposeAsync();
        else if (transport is not null)
            await transport.DisposeAsync();
    }
}
