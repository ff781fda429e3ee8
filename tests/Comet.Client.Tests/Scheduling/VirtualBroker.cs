using Comet.Server;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Client.Tests.Scheduling;

/// <summary>A broker and a client on one clock that the test moves.</summary>
internal sealed class VirtualBroker : IAsyncDisposable
{
    private VirtualBroker(CometBroker broker, CometClient client, FakeTimeProvider time) => (Broker, Client, Time) = (broker, client, time);

    public CometBroker Broker { get; }

    public CometClient Client { get; }

    public FakeTimeProvider Time { get; }

    public DateTimeOffset Now => Time.GetUtcNow();

    public static async Task<VirtualBroker> StartAsync(CometServerOptions? options = null)
    {
        var time = new FakeTimeProvider();
        var broker = new CometBroker((options ?? new()) with { HeartbeatInterval = TimeSpan.FromHours(1) }, time);
        var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker.Transport, TimeProvider = time });
        return new(broker, client, time);
    }

    /// <summary>Whether nothing is on its way to a consumer: the broker has answered something that was asked later.</summary>
    public async Task<bool> IsEmptyAsync<T>(Consumer<T> consumer)
    {
        await Client.PingAsync();
        return !consumer.TryReceive(out _);
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Broker.DisposeAsync();
    }
}
