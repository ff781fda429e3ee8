using Microsoft.Extensions.Logging;

namespace Comet.Crash.Tests.Damage;

/// <summary>What a broker logs as a warning or worse.</summary>
internal sealed class BrokerLog : ILoggerFactory, ILogger
{
    private readonly List<string> _lines = [];

    /// <summary>Called with each line.</summary>
    public Action<string>? Logged { get; set; }

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
        var line = $"{formatter(state, exception)} {exception?.Message}";
        lock (_lines)
            _lines.Add(line);
        Logged?.Invoke(line);
    }

    public void Dispose()
    {
    }
}
