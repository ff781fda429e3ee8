namespace Comet.Testing;

/// <summary>What can go wrong with a connection or a broker.</summary>
public enum FaultKind
{
    /// <summary>Connections end at once; what is on its way is lost.</summary>
    Cut,
    /// <summary>Bytes stop flowing and nobody is told, as when a cable is pulled; when the fault is over they flow on.</summary>
    Drop,
    /// <summary>Bytes arrive later.</summary>
    Delay,
    /// <summary>Bytes arrive no faster than so many a second.</summary>
    Slow,
    /// <summary>What a client sends next arrives, and the connection is cut before the answer: the client cannot know and sends it
    /// again.</summary>
    Duplicate,
    /// <summary>The broker's process ends without a word, and a new one starts.</summary>
    StopBroker,
}

/// <summary>Which bytes a fault is about.</summary>
public enum FaultDirection
{
    /// <summary>Both ways.</summary>
    Both,
    /// <summary>What clients send.</summary>
    ToBroker,
    /// <summary>What the broker sends.</summary>
    ToClient,
}

/// <summary>A fault of the network or of the broker: what, for whom and for how long. Immutable; made by the methods named after the
/// kinds.</summary>
public sealed record Fault
{
    private Fault(FaultKind kind) => Kind = kind;

    /// <summary>What goes wrong.</summary>
    public FaultKind Kind { get; }

    /// <summary>Which bytes it is about; for Drop, Delay and Slow.</summary>
    public FaultDirection Direction { get; init; }

    /// <summary>How long it lasts; for StopBroker how long there is no broker. Zero: until <see cref="Faults.HealAsync"/>; for StopBroker
    /// the new one starts at once.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>For Delay: how much later bytes arrive.</summary>
    public TimeSpan Latency { get; private init; }

    /// <summary>For Slow: how many bytes arrive in a second.</summary>
    public int BytesPerSecond { get; private init; }

    /// <summary>For Cut: how many bytes still arrive, in each direction, before the end; cuts a frame in two where it falls.</summary>
    public int AfterBytes { get; private init; }

    /// <summary>The ClientName of the clients it is about. Null: all.</summary>
    public string? Client { get; init; }

    /// <summary>Ends connections.</summary>
    /// <param name="afterBytes">How many bytes still arrive, in each direction; zero: at once.</param>
    public static Fault Cut(int afterBytes = 0) => new(FaultKind.Cut) { AfterBytes = Checked(afterBytes, 0) };

    /// <summary>Stops the flow of bytes; new connections do not get through either.</summary>
    /// <param name="duration">Zero: until healed.</param>
    /// <param name="direction">Which bytes.</param>
    public static Fault Drop(TimeSpan duration = default, FaultDirection direction = FaultDirection.Both) =>
        new(FaultKind.Drop) { Duration = Checked(duration), Direction = direction };

    /// <summary>Has bytes arrive later.</summary>
    /// <param name="latency">How much later.</param>
    /// <param name="duration">Zero: until healed.</param>
    /// <param name="direction">Which bytes.</param>
    public static Fault Delay(TimeSpan latency, TimeSpan duration = default, FaultDirection direction = FaultDirection.Both) =>
        new(FaultKind.Delay) { Latency = Checked(latency), Duration = Checked(duration), Direction = direction };

    /// <summary>Limits how fast bytes arrive.</summary>
    /// <param name="bytesPerSecond">At least 1.</param>
    /// <param name="duration">Zero: until healed.</param>
    /// <param name="direction">Which bytes.</param>
    public static Fault Slow(int bytesPerSecond, TimeSpan duration = default, FaultDirection direction = FaultDirection.Both) =>
        new(FaultKind.Slow) { BytesPerSecond = Checked(bytesPerSecond, 1), Duration = Checked(duration), Direction = direction };

    /// <summary>Cuts a connection between the arrival of what its client sends next and the answer.</summary>
    public static Fault Duplicate() => new(FaultKind.Duplicate);

    /// <summary>Ends the broker's process and starts a new one, which has none of the messages that the old one kept in memory.</summary>
    /// <param name="downtime">How long there is none.</param>
    public static Fault StopBroker(TimeSpan downtime = default) => new(FaultKind.StopBroker) { Duration = Checked(downtime) };

    /// <summary>The fault as one line: "Drop ToClient 3 s".</summary>
    public override string ToString() =>
        string.Join(' ', new[]
        {
            Kind.ToString(),
            Direction == FaultDirection.Both ? "" : Direction.ToString(),
            AfterBytes == 0 ? "" : FormattableString.Invariant($"after {AfterBytes} bytes"),
            Latency == default ? "" : FormattableString.Invariant($"by {Latency.TotalMilliseconds:0.###} ms"),
            BytesPerSecond == 0 ? "" : FormattableString.Invariant($"to {BytesPerSecond} bytes/s"),
            Duration == default ? "" : FormattableString.Invariant($"for {Duration.TotalSeconds:0.###} s"),
            Client is null ? "" : "of " + Client,
        }.Where(static part => part.Length > 0));

    private static TimeSpan Checked(TimeSpan value) => value >= TimeSpan.Zero ? value
        : throw new ArgumentOutOfRangeException(nameof(value), value, "A fault lasts zero or longer.");

    private static int Checked(int value, int least)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, least);
        return value;
    }
}
