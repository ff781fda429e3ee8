using System.CommandLine;
using Comet.Cli.Output;
using Comet.Server;
using Comet.Server.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Comet.Cli.Commands;

/// <summary>comet serve: a broker until it is told to stop.</summary>
internal static class ServeCommand
{
    private static readonly Option<string[]> s_listen = new("--listen")
    {
        Description = "Address to listen on; port 0 takes a free one; host * takes all interfaces. Give it again for further addresses.",
        DefaultValueFactory = static _ => ["comet://127.0.0.1:7400"],
        HelpName = "address",
    };

    private static readonly Option<FileInfo?> s_certificate = new("--tls-cert")
    {
        Description = "PEM file of the certificate; turns the addresses into comets://.",
        HelpName = "file"
    };
    private static readonly Option<FileInfo?> s_key = new("--tls-key")
    {
        Description = "PEM file of the certificate's key.",
        HelpName = "file"
    };
    private static readonly Option<string> s_nodeId = new Option<string>("--node-id")
    {
        Description = "The name of this node.",
        DefaultValueFactory = static _ => "comet",
        HelpName = "name"
    }.Sets(nameof(CometServerOptions.NodeId));
    private static readonly Option<int> s_partitions = new Option<int>("--partitions")
    {
        Description = "How many partitions a topic gets that is created on first use.",
        DefaultValueFactory = static _ => 1
    }.Sets(nameof(CometServerOptions.DefaultPartitionCount));
    private static readonly Option<bool> s_noAutoCreate = new("--no-auto-create")
    {
        Description = "Topics must be created before they are used."
    };
    private static readonly Option<long> s_memory = ValueParsers.Size("--memory-limit", "Memory for messages of all topics.",
        CometServerOptions.DefaultMemoryLimit).Sets(nameof(CometServerOptions.MemoryLimit));
    private static readonly Option<long> s_scheduled = new Option<long>("--max-scheduled")
    {
        Description = "How many messages may wait for their time, over all topics.",
        DefaultValueFactory = static _ => CometServerOptions.DefaultMaxScheduledMessages,
        HelpName = "count",
    }.Sets(nameof(CometServerOptions.MaxScheduledMessages));
    private static readonly Option<bool> s_verbose = new("--verbose") { Description = "Log more than warnings, on standard error." };

    public static Command Create()
    {
        var command = new Command("serve",
            "Serve until Ctrl-C or SIGTERM; then drain and exit 0. Prints one line, 'comet: listening on …', when ready.")
        {
            s_listen, s_certificate, s_key, s_nodeId, s_partitions, s_noAutoCreate, s_memory, s_scheduled, s_verbose,
        };
        foreach (var option in StorageFlags.All)
            command.Options.Add(option);
        command.SetAction(RunAsync);
        return command.WithoutConnection();
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var options = new CometServerOptions
        {
            NodeId = arguments.GetRequiredValue(s_nodeId),
            DefaultPartitionCount = arguments.GetValue(s_partitions),
            CreateTopicsOnFirstUse = !arguments.GetValue(s_noAutoCreate),
            MemoryLimit = arguments.GetValue(s_memory),
            MaxScheduledMessages = arguments.GetValue(s_scheduled),
            LocalStorage = StorageFlags.Read(arguments),
        };
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddSimpleConsole(static console => console.SingleLine = true);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            static o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.SetMinimumLevel(arguments.GetValue(s_verbose) ? LogLevel.Information : LogLevel.Warning);
        // Signals come in as the token; the host's own handling would race with it.
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        // What fails at the start is told once, as this command's error.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.None);
        var listeners = Listeners(arguments);
        builder.AddCometServer(options, listeners);
        await using var app = builder.Build();
        if (!await TryStartAsync(app, listeners, cancellationToken))
            return ExitCode.Done;
        StorageFlags.TellWhere(arguments);
        var endpoints = app.Services.GetRequiredService<CometListeners>().Endpoints;
        await Console.Out.WriteLineAsync(arguments.GetValue(GlobalOptions.Json)
            ? CliJson.Line(new ListeningLine([.. endpoints.Select(static e => e.ToString())]), CliJson.Default.ListeningLine)
            : $"comet: listening on {string.Join(", ", endpoints)}");
        await Console.Out.FlushAsync(CancellationToken.None);
        await WaitForEndAsync(cancellationToken);
        await app.StopAsync(CancellationToken.None);
        return ExitCode.Done;
    }

    /// <summary>Starts to listen; false when it was told to stop before it did, which is as good an end as a later one.</summary>
    private static async Task<bool> TryStartAsync(
        WebApplication app, List<CometListenerOptions> listeners, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e) when (ListenException.Explain(e) is { } why)
        {
            throw new ListenException($"Cannot listen on {string.Join(", ", listeners.Select(static l => l.Endpoint))}: {why}", e);
        }
    }

    private static async Task WaitForEndAsync(CancellationToken cancellationToken)
    {
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = cancellationToken.Register(() => end.TrySetResult());
        await end.Task;
    }

    private static List<CometListenerOptions> Listeners(ParseResult arguments)
    {
        var (certificate, key) = (arguments.GetValue(s_certificate), arguments.GetValue(s_key));
        if (certificate is null != key is null)
            throw new UsageException("TLS needs both --tls-cert and --tls-key.");
        foreach (var file in (FileInfo?[])[certificate, key])
        {
            if (file is { Exists: false })
                throw new UsageException($"There is no file '{file.FullName}'.");
        }
        return [.. arguments.GetRequiredValue(s_listen).Select(text => new CometListenerOptions
        {
            Endpoint = Parse(text, certificate is not null), CertificateFile = certificate?.FullName, CertificateKeyFile = key?.FullName,
        })];
    }

    private static CometEndpoint Parse(string text, bool useTls)
    {
        // '*' is no host of a URI.
        var parseable = text.Replace("://*", "://0.0.0.0", StringComparison.Ordinal);
        if (!CometEndpoint.TryParse(parseable, null, out var endpoint))
            throw new UsageException($"'{text}' is not an address to listen on: write comet://host:port, for example "
                + "comet://127.0.0.1:7400.");
        if (endpoint.UseTls && !useTls)
            throw new UsageException($"'{text}' speaks TLS: give --tls-cert and --tls-key.");
        return endpoint with { UseTls = useTls };
    }

    private sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>The ready line as JSON.</summary>
internal sealed record ListeningLine(string[] Listening);
