using System.Collections.Concurrent;
using System.IO.Pipelines;

namespace Comet.Testing.Transport;

/// <summary>Connections to a broker that may be absent, and that can be cut.</summary>
internal sealed class BreakableTransport : ICometTransport
{
    private readonly ConcurrentDictionary<BreakableConnection, bool> _open = new();

    /// <summary>Where connections go; null: nothing answers.</summary>
    public ICometTransport? Target { get; set; }

    public async ValueTask<ICometConnection> ConnectAsync(CometEndpoint endpoint, CancellationToken cancellationToken)
    {
        var target = Target ?? throw new CometException(ErrorCode.ConnectFailed,
            $"Nothing answers at {endpoint}: the test has stopped the broker.");
        var connection = new BreakableConnection(await target.ConnectAsync(endpoint, cancellationToken), this);
        _open[connection] = true;
        return connection;
    }

    public async ValueTask CutAllAsync()
    {
        foreach (var (connection, _) in _open)
            await connection.CutAsync();
    }

    private sealed class BreakableConnection(ICometConnection inner, BreakableTransport owner) : ICometConnection
    {
        public PipeReader Input => inner.Input;

        public PipeWriter Output => inner.Output;

        public string RemoteAddress => inner.RemoteAddress;

        /// <summary>Ends what this side writes, so that the broker ends the connection, and wakes this side's reader.</summary>
        public async ValueTask CutAsync()
        {
            owner._open.TryRemove(this, out _);
            await inner.Output.CompleteAsync(new IOException("The test has cut the connection."));
            inner.Input.CancelPendingRead();
        }

        public ValueTask DisposeAsync()
        {
            owner._open.TryRemove(this, out _);
            return inner.DisposeAsync();
        }
    }
}
