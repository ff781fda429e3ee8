namespace Comet;

/// <summary>Where a new subscription or a reader begins.</summary>
public readonly record struct StartPosition
{
    private StartPosition(StartPositionKind kind, long value) => (Kind, Value) = (kind, value);

    internal StartPositionKind Kind { get; }

    /// <summary>The offset, or microseconds since the Unix epoch; 0 otherwise.</summary>
    internal long Value { get; }

    /// <summary>With the next message that is published.</summary>
    public static StartPosition Latest => new(StartPositionKind.Latest, 0);

    /// <summary>With the first message that is still kept.</summary>
    public static StartPosition Earliest => new(StartPositionKind.Earliest, 0);

    /// <summary>With the message at <paramref name="offset"/> of each partition, or the first kept one behind it.</summary>
    public static StartPosition FromOffset(long offset) => new(StartPositionKind.Offset, ArgumentChecks.NotNegative(offset));

    /// <summary>With the first message that was appended at <paramref name="time"/> or later, by the broker's clock.</summary>
    public static StartPosition FromTime(DateTimeOffset time) => new(StartPositionKind.Time, UnixMicroseconds.From(time));

    internal static StartPosition FromWire(long kind, long value) =>
        kind is >= (long)StartPositionKind.Latest and <= (long)StartPositionKind.Time
        ? new StartPosition((StartPositionKind)kind, value)
        : throw new CometException(ErrorCode.InvalidArgument, $"There is no start position of kind {kind}.");

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        StartPositionKind.Offset => $"offset {Value}",
        StartPositionKind.Time => $"time {UnixMicroseconds.ToTime(Value):O}",
        StartPositionKind.Earliest => "earliest",
        _ => "latest",
    };
}

internal enum StartPositionKind
{
    Latest = 0,
    Earliest = 1,
    Offset = 2,
    Time = 3,
}

internal static class ArgumentChecks
{
    public static long NotNegative(long value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        return value;
    }
}
