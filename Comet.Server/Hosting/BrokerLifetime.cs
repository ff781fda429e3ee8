using Microsoft.Extensions.Hosting;

namespace Comet.Server.Hosting;

/// <summary>Recovers the broker before the host opens its sockets, and drains it before the host closes them: StoppingAsync runs before any
/// hosted service, the web server
/// among them, is stopped.</summary>
internal sealed class BrokerLifetime(CometBroker broker) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => broker.RecoverAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => broker.StopAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
