using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Comet.Server.Hosting;

/// <summary>Hands Kestrel's connections to the broker.</summary>
internal sealed class CometConnectionHandler(CometBroker broker) : ConnectionHandler
{
    // Kestrel sends what a session has left behind for as long as the peer takes to read it, which may be for ever.
    private static readonly TimeSpan s_flushTimeout = TimeSpan.FromSeconds(2);

    public override async Task OnConnectedAsync(ConnectionContext connection)
    {
        // Without ConnectionClosed as the token: the input ends with the connection anyway, but behind what has arrived before.
        await broker.ServeAsync(new KestrelConnection(connection));
        _ = AbortLaterAsync(connection);
    }

    // Nobody tells when Kestrel is done; to abort a connection that is gone does nothing.
    private static async Task AbortLaterAsync(ConnectionContext connection)
    {
        await Task.Delay(s_flushTimeout, TimeProvider.System);
        connection.Abort(new ConnectionAbortedException("The client did not take the last answers in time."));
    }

    private sealed class KestrelConnection(ConnectionContext context) : ICometConnection
    {
        public PipeReader Input => context.Transport.Input;

        public PipeWriter Output => context.Transport.Output;

        public string RemoteAddress { get; } = context.RemoteEndPoint?.ToString() ?? "unknown";

        public async ValueTask DisposeAsync()
        {
            await Output.CompleteAsync();
            await Input.CompleteAsync();
        }
    }
}
