using Comet.Server;
using Microsoft.Extensions.Logging;

namespace Comet.Client.Tests.LocalStorage;

/// <summary>A broker on local storage in this process, which is stopped or killed and comes back, and a client of it.</summary>
internal sealed class DurableBroker : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("comet-client-tests-");
    private readonly Func<LocalStorageOptions, CometServerOptions> _options;
    private readonly CollectedLog _log = new();
    private Func<LocalStorageOptions, LocalStorageOptions> _change = static local => local;
    private int _copies;

    private DurableBroker(Func<LocalStorageOptions, CometServerOptions> options) =>
        (_options, Data) = (options, Path.Combine(_folder.FullName, "data"));

    public CometBroker Broker { get; private set; } = null!;

    public CometClient Client { get; private set; } = null!;

    /// <summary>Where the data is now.</summary>
    public string Data { get; private set; }

    /// <summary>What brokers have logged as warnings or worse.</summary>
    public IReadOnlyList<string> Warnings => _log.Lines;

    public static async Task<DurableBroker> StartAsync(Func<LocalStorageOptions, CometServerOptions>? options = null)
    {
        var broker = new DurableBroker(options ?? (static local => new() { LocalStorage = local }));
        await broker.OpenAsync();
        return broker;
    }

    /// <summary>Other options from the next start on.</summary>
    public void Change(Func<LocalStorageOptions, LocalStorageOptions> change) => _change = change;

    /// <summary>Stops the broker in peace and starts it again.</summary>
    public Task RestartAsync() => RestartAsync(static () => { });

    /// <summary>Stops the broker in peace, and starts it again when something was done to its files.</summary>
    public async Task RestartAsync(Action between)
    {
        await CloseAsync();
        between();
        await OpenAsync();
    }

    /// <summary>Goes on with the files as they are now, as if the process had been killed.</summary>
    public async Task KillAsync()
    {
        var copy = Path.Combine(_folder.FullName, $"copy-{++_copies}");
        foreach (var directory in Directory.EnumerateDirectories(Data, "*", SearchOption.AllDirectories).Prepend(Data))
            Directory.CreateDirectory(directory.Replace(Data, copy, StringComparison.Ordinal));
        foreach (var file in Directory.EnumerateFiles(Data, "*", SearchOption.AllDirectories))
        {
            if (!file.EndsWith(".lock", StringComparison.Ordinal))
                File.Copy(file, file.Replace(Data, copy, StringComparison.Ordinal));
        }
        await CloseAsync();
        Data = copy;
        await OpenAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _folder.Delete(recursive: true);
    }

    private async Task OpenAsync()
    {
        var options = _options(new LocalStorageOptions { Directory = Data });
        Broker = new CometBroker(options with { LocalStorage = _change(options.LocalStorage!) }, loggers: _log);
        await Broker.RecoverAsync();
        Client = await CometClient.ConnectAsync(new CometClientOptions { Transport = Broker.Transport });
    }

    private async Task CloseAsync()
    {
        await Client.DisposeAsync();
        await Broker.DisposeAsync();
    }

    private sealed class CollectedLog : ILoggerFactory, ILogger
    {
        private readonly List<string> _lines = [];

        public IReadOnlyList<string> Lines
        {
            get
            {
                lock (_lines)
                    return [.. _lines];
            }
        }

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines)
                _lines.Add(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }
}
