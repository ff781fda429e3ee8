// A broker as a generic host: settings come from appsettings.json, the environment (Comet__MemoryLimit=…) and the command line
// (--Comet:Listen:0 comet://127.0.0.1:7500 --Comet:Data DIR). Ctrl-C and SIGTERM drain it.
using Comet;
using Comet.Server;
using Comet.Server.Hosting;

var builder = WebApplication.CreateSlimBuilder(args);
var settings = builder.Configuration.GetSection("Comet");
var addresses = settings.GetSection("Listen").Get<string[]>() ?? ["comet://127.0.0.1:7400"];
builder.AddCometServer(
    new CometServerOptions
    {
        NodeId = settings["NodeId"] ?? "sample",
        DefaultPartitionCount = settings.GetValue("DefaultPartitionCount", 1),
        MemoryLimit = settings.GetValue("MemoryLimit", CometServerOptions.DefaultMemoryLimit),
        // Without a directory, messages are gone when the broker ends.
        LocalStorage = settings["Data"] is { Length: > 0 } data ? new() { Directory = data } : null,
    },
    [.. addresses.Select(address => new CometListenerOptions
    {
        Endpoint = CometEndpoint.Parse(address),
        CertificateFile = settings["CertificateFile"],
        CertificateKeyFile = settings["CertificateKeyFile"],
    })]);

await using var app = builder.Build();
try
{
    await app.StartAsync();
}
catch (IOException e)
{
    // A port that is taken, most often: a sentence says more than a stack trace.
    await Console.Error.WriteLineAsync($"Cannot listen on {string.Join(", ", addresses)}: {e.InnerException?.Message ?? e.Message}");
    return 1;
}
catch (CometException e)
{
    // The directory is in use, or no directory of Comet's.
    await Console.Error.WriteLineAsync(e.Message);
    return 1;
}
Console.WriteLine($"Serving {string.Join(", ", app.Services.GetRequiredService<CometListeners>().Endpoints)}; Ctrl-C stops.");
await app.WaitForShutdownAsync();
return 0;
