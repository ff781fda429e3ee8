namespace Comet.Wire;

/// <summary>One record of a batch, as spans over the batch's (uncompressed) memory.</summary>
internal readonly ref struct Record
{
    public int OffsetDelta { get; init; }

    /// <summary>When the producer took the message, microseconds since the Unix epoch.</summary>
    public long Timestamp { get; init; }

    /// <summary>Not to be delivered before; 0 when the record has no such time.</summary>
    public long DeliverAt { get; init; }

    public bool HasKey { get; init; }

    /// <summary>The key, UTF-8.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>Count and entries of the headers, see <see cref="RecordHeaders"/>; empty when there are none.</summary>
    public ReadOnlySpan<byte> Headers { get; init; }

    public ReadOnlySpan<byte> Payload { get; init; }

    /// <summary>Where the payload begins, from the beginning of the records.</summary>
    public int PayloadPosition { get; init; }

    /// <summary>Where the record begins, from the beginning of the records.</summary>
    public int Position { get; init; }

    /// <summary>How many bytes the record takes with its length field.</summary>
    public int Length { get; init; }
}

[Flags]
internal enum RecordFlags : byte
{
    None = 0,
    HasKey = 1,
    HasHeaders = 2,
    HasDeliverAt = 4,
}
