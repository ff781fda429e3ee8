using Microsoft.Extensions.Logging;

namespace Comet.Cli.Output;

/// <summary>Tells on standard error what the client logs, so that a command that waits says what for: a lost connection, a full broker. A
/// line that repeats the one before is left out.</summary>
internal sealed class ConnectionLog(bool json) : ILoggerFactory, ILogger
{
    private readonly Lock _gate = new();
    private string? _last;

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("There is no other place to log to.");

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var message = formatter(state, exception);
        lock (_gate)
        {
            if (!IsEnabled(logLevel) || message == _last)
                return;
            _last = message;
            Note.Write(message, json);
        }
    }

    public void Dispose()
    {
        // Standard error belongs to the process.
    }
}
