using Microsoft.Extensions.Hosting;

namespace Comet.Server.Hosting;

/// <summary>The addresses that a hosted broker really listens on. A singleton; complete when the host has started.</summary>
public sealed class CometListeners
{
    private readonly ListenerSetup _setup;
    private readonly IHostApplicationLifetime _lifetime;

    internal CometListeners(ListenerSetup setup, IHostApplicationLifetime lifetime) => (_setup, _lifetime) = (setup, lifetime);

    /// <summary>One address for each listener, in their order, with the ports that were really taken.</summary>
    /// <exception cref="InvalidOperationException">The host has not started.</exception>
    public IReadOnlyList<CometEndpoint> Endpoints => _lifetime.ApplicationStarted.IsCancellationRequested
        ? _setup.Endpoints
        : throw new InvalidOperationException("The host has not started yet, so its listeners have no addresses.");
}
