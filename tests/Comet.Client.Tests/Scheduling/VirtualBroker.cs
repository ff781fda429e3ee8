using Comet.Server;
using Comet.Testing;

namespace Comet.Client.Tests.Scheduling;

/// <summary>A broker and a client on one clock that the test moves.</summary>
internal sealed class VirtualBroker : IAsyncDisposable
{
    private readonly CometTestHost _host;

    private VirtualBroker(CometTestHost host, CometClient client) => (_host, Client) = (host, client);

    public CometClient Client { get; }

    public DateTimeOffset Now => _host.Time.GetUtcNow();

    public static async Task<VirtualBroker> StartAsync(CometServerOptions? options = null)
    {
        var host = CometTestHost.Start(new() { Server = options ?? new() });
        return new(host, await host.ConnectAsync());
    }

    /// <summary>Moves the clock, and lets everything happen that comes of it.</summary>
    public Task AdvanceAsync(TimeSpan by) => _host.AdvanceAsync(by);

    /// <summary>Whether nothing is on its way to a consumer.</summary>
    public async Task<bool> IsEmptyAsync<T>(Consumer<T> consumer)
    {
        await _host.IdleAsync();
        return !consumer.TryReceive(out _);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();
}
