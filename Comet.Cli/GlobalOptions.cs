using System.CommandLine;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli;

/// <summary>The options that every command has.</summary>
internal static class GlobalOptions
{
    private const string ServerVariable = "COMET_SERVER";

    private static readonly HashSet<Command> s_withoutConnection = [];

    public static Option<CometEndpoint[]> Server { get; } = new("--server", "-s")
    {
        Description = "Address of a node, comet://host:port or comets://host:port; give it again for further nodes. Where it is not given, "
            + $"the environment variable {ServerVariable} says it; several are separated by commas.",
        DefaultValueFactory = static _ => [new CometEndpoint("127.0.0.1", CometEndpoint.DefaultPort)],
        CustomParser = static result =>
        {
            var endpoints = new List<CometEndpoint>();
            foreach (var token in result.Tokens)
            {
                if (CometEndpoint.TryParse(token.Value, null, out var endpoint))
                    endpoints.Add(endpoint);
                else
                    result.AddError(NoAddress(token.Value));
            }
            return [.. endpoints];
        },
        Recursive = true,
        HelpName = "address",
    };

    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "Write one JSON object per line instead of text.",
        Recursive = true,
    };

    public static Option<FileInfo?> TrustedCertificates { get; } = new("--tls-ca")
    {
        Description = "PEM file of the certificate authorities to trust for comets:// addresses. Default: those of the machine.",
        Recursive = true,
        HelpName = "file",
    };

    private static string NoAddress(string text) =>
        $"'{text}' is not the address of a node: write comet://host:port, or comets://host:port for TLS.";

    /// <summary>Says of a command that it connects to no broker, so that the options about that mean nothing to it.</summary>
    public static Command WithoutConnection(this Command command)
    {
        s_withoutConnection.Add(command);
        foreach (var each in command.Subcommands)
            each.WithoutConnection();
        command.Validators.Add(static result =>
        {
            if (result.GetResult(Server) is { Implicit: false } || result.GetResult(TrustedCertificates) is { Implicit: false })
                result.AddError($"'{result.Command.Name}' connects to no broker: --server and --tls-ca mean nothing to it.");
        });
        return command;
    }

    /// <summary>Keeps the options that mean nothing to a command out of its help.</summary>
    public static void HideWhatMeansNothing(ParseResult arguments)
    {
        if (s_withoutConnection.Contains(arguments.CommandResult.Command))
            Server.Hidden = TrustedCertificates.Hidden = true;
    }

    public static Task<CometClient> ConnectAsync(ParseResult arguments, CancellationToken cancellationToken) =>
        ConnectAsync(arguments, Servers(arguments), cancellationToken);

    /// <summary>The nodes that are meant: as typed, or as the environment says.</summary>
    /// <exception cref="UsageException">The environment names no node.</exception>
    public static IReadOnlyList<CometEndpoint> Servers(ParseResult arguments)
    {
        var isGiven = arguments.GetResult(Server) is { Implicit: false };
        if (isGiven || Environment.GetEnvironmentVariable(ServerVariable) is not { } text || string.IsNullOrWhiteSpace(text))
            return arguments.GetRequiredValue(Server);
        return [.. text.Split(',', StringSplitOptions.TrimEntries).Select(static address =>
            CometEndpoint.TryParse(address, null, out var endpoint)
                ? endpoint
                : throw new UsageException($"The environment variable {ServerVariable}: {NoAddress(address)}"))];
    }

    public static Task<CometClient> ConnectAsync(
        ParseResult arguments, IReadOnlyList<CometEndpoint> servers, CancellationToken cancellationToken)
    {
        var trusted = arguments.GetValue(TrustedCertificates);
        if (trusted is { Exists: false })
            throw new UsageException($"There is no file '{trusted.FullName}'.");
        var options = new CometClientOptions
        {
            Addresses = servers,
            ClientName = "comet-cli",
            // Who stops a command does not want to wait for a broker that is gone.
            DisposeTimeout = TimeSpan.FromSeconds(2),
            LoggerFactory = new ConnectionLog(arguments.GetValue(Json)),
            Tls = new TlsOptions { TrustedCertificateFile = trusted?.FullName },
        };
        return CometClient.ConnectAsync(options, cancellationToken);
    }
}
