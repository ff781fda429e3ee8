using Microsoft.Extensions.Logging;

namespace Comet.Client;

/// <summary>How a client connects and behaves. Immutable; checked when the client connects.</summary>
public sealed record CometClientOptions
{
    /// <summary>The nodes to try, in this order, again from the first behind the last. Default: comet://127.0.0.1:7400.</summary>
    public IReadOnlyList<CometEndpoint> Addresses { get; init; } = [new("127.0.0.1", CometEndpoint.DefaultPort)];

    /// <summary>How to reach a node. Null: TCP, and TLS 1.3 for comets:// addresses. Embedded: CometBroker.Transport.</summary>
    public ICometTransport? Transport { get; init; }

    /// <summary>How frame headers are written. The broker must have it. Default: MessagePack.</summary>
    public HeaderCodec HeaderCodec { get; init; } = HeaderCodec.MessagePack;

    /// <summary>A name for this client in the broker's logs. Default: the program's name.</summary>
    public string ClientName { get; init; } = AppDomain.CurrentDomain.FriendlyName;

    /// <summary>How long one attempt at one node may take, handshake included. Default: 5 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a request (attach, create a topic, …) may take, reconnects included. Default: 30 s.</summary>
    public TimeSpan OperationTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long disposing may take to send what waits and to say goodbye. Default: 10 s.</summary>
    public TimeSpan DisposeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>When and how often to try again after a connection was lost.</summary>
    public ReconnectOptions Reconnect { get; init; } = new();

    /// <summary>Certificates, for comets:// addresses.</summary>
    public TlsOptions Tls { get; init; } = new();

    /// <summary>The clock of all waits and timeouts. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where to log. Null: nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>The scheduler of the engine's continuations: null is the thread pool; a simulation sets its own.</summary>
    internal SynchronizationContext? Engine { get; init; }

    /// <summary>What names and jitter are drawn from: null is the system's randomness; a simulation gives a seeded one, which must be
    /// thread-safe.</summary>
    internal Random? Randomness { get; init; }

    /// <summary>A fault to make on purpose, for tests of the tests.</summary>
    internal PlantedBug PlantedBug { get; init; }

    internal CometClientOptions Validated()
    {
        if (Addresses is not { Count: > 0 })
            throw new ArgumentException($"{nameof(Addresses)} is empty; name at least one node, for example comet://127.0.0.1:7400.");
        OptionChecks.Positive(nameof(ConnectTimeout), ConnectTimeout);
        OptionChecks.Positive(nameof(OperationTimeout), OperationTimeout);
        OptionChecks.Positive(nameof(DisposeTimeout), DisposeTimeout);
        OptionChecks.Positive(nameof(Reconnect) + "." + nameof(Reconnect.InitialDelay), Reconnect.InitialDelay);
        OptionChecks.Positive(nameof(Reconnect) + "." + nameof(Reconnect.MaxDelay), Reconnect.MaxDelay);
        if (Reconnect.MaxAttempts is { } most)
            OptionChecks.InRange(nameof(Reconnect) + "." + nameof(Reconnect.MaxAttempts), most, 1, int.MaxValue);
        return this;
    }
}

/// <summary>When and how often a client tries to reconnect: the next node at once, and when all were tried, again after a delay that
/// doubles, with jitter.</summary>
public sealed record ReconnectOptions
{
    /// <summary>The delay after all nodes were tried once. Default: 100 ms.</summary>
    public TimeSpan InitialDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>The longest delay. Default: 5 s.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many attempts to make before the client is faulted; null: without end. Default: null.</summary>
    public int? MaxAttempts { get; init; }
}

/// <summary>Whom a client trusts over TLS, and what it shows.</summary>
public sealed record TlsOptions
{
    /// <summary>PEM file of the certificate authorities to trust. Null: those of the machine.</summary>
    public string? TrustedCertificateFile { get; init; }

    /// <summary>The name the broker's certificate must be for. Null: the host of the address.</summary>
    public string? TargetHost { get; init; }
}

internal static class OptionChecks
{
    public static void Positive(string name, TimeSpan value)
    {
        if (value <= TimeSpan.Zero || value > TimeSpan.FromDays(24))
            throw new ArgumentException($"{name} is {value}; it must be longer than zero and at most 24 days.", name);
    }

    public static void InRange(string name, long value, long least, long most)
    {
        if (value < least || value > most)
            throw new ArgumentException($"{name} is {value}; it must be from {least} to {most}.", name);
    }
}
