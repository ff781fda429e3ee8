using Comet.Server;

namespace Comet.Client.Tests;

/// <summary>A broker and a client of it in this process.</summary>
internal sealed class Embedded : IAsyncDisposable
{
    private Embedded(CometBroker broker, CometClient client) => (Broker, Client) = (broker, client);

    public CometBroker Broker { get; }

    public CometClient Client { get; }

    public static async Task<Embedded> StartAsync(
        CometServerOptions? server = null, CometClientOptions? options = null, TimeProvider? time = null)
    {
        var broker = new CometBroker(server, time);
        options = (options ?? new()) with { Transport = broker.Transport };
        return new Embedded(broker, await CometClient.ConnectAsync(time is null ? options : options with { TimeProvider = time }));
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Broker.DisposeAsync();
    }
}
