using Microsoft.Extensions.Hosting;

namespace Comet.Server.Hosting;

/// <summary>Drains the broker before the host closes its sockets: StoppingAsync runs before any hosted service, the web server
/// among them, is stopped.</summary>
internal sealed class BrokerLifetime(CometBroker broker) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => broker.StopAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
