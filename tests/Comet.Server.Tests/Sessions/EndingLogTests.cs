using Comet.Server.Sessions;
using Comet.Transport;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Server.Tests.Sessions;

/// <summary>What the broker logs of connections that end: enough to see it, and never a flood.</summary>
public sealed class EndingLogTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Lines _lines = new();

    [Fact]
    public void Of_each_reason_the_first_few_of_a_minute_are_told_and_the_rest_is_counted()
    {
        using var log = new EndingLog(_lines, _time);
        for (var i = 0; i < 100; i++)
            log.Add($"c{i}", new CometException(ErrorCode.NotComet, "It is none."));
        log.Add("d", new CometException(ErrorCode.HandshakeTimeout, "It was silent."));
        Assert.Equal(EndingLog.MostOfAReason + 1, _lines.Count);
        Assert.Equal("Warning: Ended the connection of c9: NotComet: It is none.", _lines[9]);
        Assert.Equal("Warning: Ended the connection of d: HandshakeTimeout: It was silent.", _lines[10]);

        _time.Advance(EndingLog.Window);
        Assert.Equal(
            "Warning: Ended 90 more connection(s) within a minute for NotComet; the last was that of c99: It is none.",
            Assert.Single(_lines.Skip(EndingLog.MostOfAReason + 1)));
        _time.Advance(2 * EndingLog.Window);
        Assert.Equal(EndingLog.MostOfAReason + 2, _lines.Count);

        log.Add("e", new CometException(ErrorCode.NotComet, "It is none."));
        Assert.Equal("Warning: Ended the connection of e: NotComet: It is none.", _lines[EndingLog.MostOfAReason + 2]);
    }

    [Fact]
    public void A_few_in_each_minute_are_all_told()
    {
        using var log = new EndingLog(_lines, _time);
        for (var minute = 0; minute < 5; minute++)
        {
            for (var i = 0; i < EndingLog.MostOfAReason; i++)
                log.Add("c", new CometException(ErrorCode.NotComet, "It is none."));
            _time.Advance(EndingLog.Window);
        }
        Assert.Equal(5 * EndingLog.MostOfAReason, _lines.Count);
    }

    [Fact]
    public void Lost_connections_are_counted_apart_and_what_was_left_out_is_told_at_the_end()
    {
        var log = new EndingLog(_lines, _time);
        for (var i = 0; i < EndingLog.MostOfAReason + 3; i++)
            log.Add($"c{i}", new CometException(ErrorCode.ConnectionLost, "It is gone."));
        log.Dispose();
        Assert.Equal("Information: Lost the connection of c0: It is gone.", _lines[0]);
        Assert.Equal("Information: Lost 3 more connection(s) within a minute; the last was that of c12: It is gone.", _lines[^1]);
        Assert.Equal(EndingLog.MostOfAReason + 1, _lines.Count);
    }

    [Fact]
    public async Task A_client_that_dials_wrongly_again_and_again_does_not_flood_the_log()
    {
        await using var broker = new CometBroker(new CometServerOptions { DrainTimeout = TimeSpan.Zero }, _time, _lines);
        for (var i = 0; i < 30; i++)
            await DialAsync(broker, i % 2 == 0 ? [0x16, 0x03, 0x01] : "GET / HTTP/1.1\r\n"u8.ToArray());
        Assert.Equal(EndingLog.MostOfAReason, _lines.Count);
        Assert.Contains("speaks TLS, and this is a plain port: it must dial comet://", _lines[0], StringComparison.Ordinal);
        Assert.Contains("is no Comet client, or was given the wrong port", _lines[1], StringComparison.Ordinal);
        _time.Advance(EndingLog.Window);
        Assert.StartsWith("Warning: Ended 20 more connection(s) within a minute for NotComet; ", _lines[^1], StringComparison.Ordinal);
    }

    public void Dispose() => _lines.Dispose();

    private static async Task DialAsync(CometBroker broker, byte[] bytes)
    {
        var (client, server) = InMemoryConnection.CreatePair();
        var serving = broker.ServeAsync(server, TestContext.Current.CancellationToken);
        await client.Output.WriteAsync(bytes);
        await serving;
        await client.DisposeAsync();
    }

    private sealed class Lines : List<string>, ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("There is no other place.");

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (this)
                Add($"{logLevel}: {formatter(state, exception)}");
        }

        public void Dispose() => Clear();
    }
}
