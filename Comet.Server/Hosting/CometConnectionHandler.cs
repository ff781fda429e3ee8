using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Comet.Server.Hosting;

/// <summary>Hands Kestrel's connections to the broker.</summary>
internal sealed class CometConnectionHandler(CometBroker broker) : ConnectionHandler
{
    // Without ConnectionClosed as the token: the input ends with the connection anyway, but behind what has arrived before.
    public override Task OnConnectedAsync(ConnectionContext connection) => broker.ServeAsync(new KestrelConnection(connection));

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
