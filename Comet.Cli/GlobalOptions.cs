using System.CommandLine;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli;

/// <summary>The options that every command has.</summary>
internal static class GlobalOptions
{
    public static Option<CometEndpoint[]> Server { get; } = new("--server", "-s")
    {
        Description = "Address of a node, comet://host:port or comets://host:port; give it again for further nodes.",
        DefaultValueFactory = static _ => [new CometEndpoint("127.0.0.1", CometEndpoint.DefaultPort)],
        CustomParser = static result =>
        {
            var endpoints = new List<CometEndpoint>();
            foreach (var token in result.Tokens)
            {
                if (CometEndpoint.TryParse(token.Value, null, out var endpoint))
                    endpoints.Add(endpoint);
                else
                    result.AddError($"'{token.Value}' is not the address of a node: write comet://host:port, or comets://host:port for "
                        + "TLS.");
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

    public static Task<CometClient> ConnectAsync(ParseResult arguments, CancellationToken cancellationToken) =>
        ConnectAsync(arguments, arguments.GetRequiredValue(Server), cancellationToken);

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
