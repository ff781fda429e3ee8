using Comet.Journals.Records;

namespace Comet.Journals;

/// <summary>One record, as it lies in the journal: nothing is copied.</summary>
/// <remarks><see cref="Payload"/> is valid until the reader it came from is used again or disposed. Copy what is to be kept.</remarks>
public readonly ref struct JournalRecord
{
    private readonly long _timestamp;

    internal JournalRecord(ReadOnlySpan<byte> payload, long timestamp, JournalPosition position)
    {
        Payload = payload;
        _timestamp = timestamp;
        Position = position;
    }

    /// <summary>The bytes that were appended.</summary>
    public ReadOnlySpan<byte> Payload { get; }

    /// <summary>When the record was appended, by the writer's clock. Not necessarily rising.</summary>
    public DateTimeOffset Timestamp => UnixTicks.ToTime(_timestamp);

    /// <summary>Its sequence and place.</summary>
    public JournalPosition Position { get; }

    /// <summary>Its sequence.</summary>
    public long Sequence => Position.Sequence;
}
