using Comet.Server;

namespace Comet.Client.Tests.Scripted;

/// <summary>A broker, a client that reaches it through a network under the test's control, and a second client that watches from the
/// side.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private Stage(CometBroker broker, ScriptedTransport network, CometClient client, CometClient observer) =>
        (Broker, Network, Client, Observer) = (broker, network, client, observer);

    public CometBroker Broker { get; private set; }

    public ScriptedTransport Network { get; }

    public CometClient Client { get; }

    /// <summary>Connected to the broker directly.</summary>
    public CometClient Observer { get; private set; }

    public static ReconnectOptions Impatient { get; } = new()
    {
        InitialDelay = TimeSpan.FromMilliseconds(1),
        MaxDelay = TimeSpan.FromMilliseconds(5)
    };

    public static async Task<Stage> StartAsync(CometServerOptions? server = null, CometClientOptions? options = null)
    {
        // Tests that move the clock by a minute do not mean to end connections.
        var broker = new CometBroker((server ?? new()) with { HeartbeatInterval = TimeSpan.FromHours(1) });
        var network = new ScriptedTransport();
        var address = (options ??= new() { Reconnect = Impatient }).Addresses[0];
        network[address] = broker.Transport;
        var client = await CometClient.ConnectAsync(options with { Transport = network });
        return new Stage(broker, network, client, await ObserveAsync(broker));
    }

    /// <summary>Takes the broker away with its memory and puts another one in its place.</summary>
    public async Task ReplaceBrokerAsync(CometServerOptions? server = null)
    {
        Network.Refuse();
        await Network.CutAsync();
        await Observer.DisposeAsync();
        await Broker.DisposeAsync();
        Broker = new CometBroker((server ?? new()) with { HeartbeatInterval = TimeSpan.FromHours(1) });
        Observer = await ObserveAsync(Broker);
        Network[new CometClientOptions().Addresses[0]] = Broker.Transport;
        Network.Admit();
    }

    public async ValueTask DisposeAsync()
    {
        Network.Requests.Open();
        Network.Answers.Open();
        Network.Admit();
        await Client.DisposeAsync();
        await Observer.DisposeAsync();
        await Broker.DisposeAsync();
    }

    private static Task<CometClient> ObserveAsync(CometBroker broker) => CometClient.ConnectAsync(new CometClientOptions
    {
        Transport = broker.Transport
    });
}
