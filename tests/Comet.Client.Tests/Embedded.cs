using Comet.Journals;
using Comet.Server;

namespace Comet.Client.Tests;

/// <summary>A broker and a client of it in this process.</summary>
internal sealed class Embedded : IAsyncDisposable
{
    // For a run of all tests on local storage by hand; those that are to run on it every time ask for it themselves. "packed": with all
    // that is done to older segments, all the time.
    private static readonly string? s_storage = Environment.GetEnvironmentVariable("COMET_TEST_STORAGE");

    private readonly DirectoryInfo? _folder;

    private Embedded(CometBroker broker, CometClient client, DirectoryInfo? folder) =>
        (Broker, Client, _folder) = (broker, client, folder);

    public CometBroker Broker { get; }

    public CometClient Client { get; }

    public static async Task<Embedded> StartAsync(
        CometServerOptions? server = null, CometClientOptions? options = null, TimeProvider? time = null)
    {
        var folder = s_storage is not null && server?.LocalStorage is null ? Directory.CreateTempSubdirectory("comet-client-tests-") : null;
        if (folder is not null)
            server = (server ?? new()) with { LocalStorage = StorageIn(folder) };
        var broker = new CometBroker(server, time);
        options = (options ?? new()) with { Transport = broker.Transport };
        return new Embedded(broker, await CometClient.ConnectAsync(time is null ? options : options with { TimeProvider = time }), folder);
    }

    private static LocalStorageOptions StorageIn(DirectoryInfo folder)
    {
        var options = new LocalStorageOptions { Directory = Path.Combine(folder.FullName, "data") };
        return s_storage != "packed" ? options : options with
        {
            MaxSegmentLength = 16 * 1024,
            Compression = CompressionType.Lz4,
            Keys = new JournalKeyRing("k", [new("k", new byte[32])]),
            Cold = new(Path.Combine(folder.FullName, "cold"), TimeSpan.Zero),
            UpkeepInterval = TimeSpan.FromMilliseconds(10),
        };
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Broker.DisposeAsync();
        _folder?.Delete(recursive: true);
    }
}
