using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.AspNetCore.Builder;

namespace Comet.Server.Hosting;

/// <summary>Adds a broker to a web host.</summary>
public static class CometServerExtensions
{
    /// <summary>Adds a <see cref="CometBroker"/> that listens on Kestrel. It starts and drains with the host. The health check
    /// 'comet' is unhealthy while partitions are offline.</summary>
    /// <param name="builder">The host's builder. Its other endpoints are not touched when ConfigureKestrel or the configuration's Kestrel
    /// section names them; URLs (UseUrls, ASPNETCORE_URLS) are ignored with a warning, as always when code adds an endpoint.</param>
    /// <param name="options">Null: the defaults.</param>
    /// <param name="listeners">Null or empty: comet://127.0.0.1:7400.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or TLS lacks its files.</exception>
    public static WebApplicationBuilder AddCometServer(
        this WebApplicationBuilder builder, CometServerOptions? options = null, IReadOnlyList<CometListenerOptions>? listeners = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var addresses = listeners is { Count: > 0 } ? listeners : [new CometListenerOptions()];
        var checkedOptions = (options ?? new CometServerOptions()).Validated();
        var setup = new ListenerSetup(addresses);
        var services = builder.Services;
        services.AddSingleton(provider => new CometBroker(
            checkedOptions, provider.GetService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton(provider => new CometListeners(setup, provider.GetRequiredService<IHostApplicationLifetime>()));
        services.AddSingleton<CometConnectionHandler>();
        services.AddHostedService<BrokerLifetime>();
        services.AddHealthChecks().AddCheck<CometHealthCheck>(CometHealthCheck.Name);
        builder.WebHost.UseKestrelCore();
        services.AddSingleton<IMemoryPoolFactory<byte>, LargeBlockPoolFactory>();
        services.Configure<SocketTransportOptions>(ListenerSetup.Tune);
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>>(setup);
        return builder;
    }
}
