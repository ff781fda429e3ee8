namespace Comet.Journals;

/// <summary>What happened to a segment.</summary>
public enum JournalEventKind
{
    /// <summary>It was begun: what is appended from now on goes there.</summary>
    Opened,

    /// <summary>Nothing more goes there: the next one was begun.</summary>
    Sealed,

    /// <summary>It was compressed, encrypted or both.</summary>
    Packed,

    /// <summary>It went to another folder.</summary>
    Moved,

    /// <summary>It was removed.</summary>
    Deleted,

    /// <summary>Something could not be done with it; it is as it was. See <see cref="JournalEvent.Error"/>.</summary>
    Failed
}

/// <summary>Something happened to a segment, done by this process.</summary>
/// <param name="Kind">What.</param>
/// <param name="Segment">The number of the segment; 0 when it is about none of them.</param>
/// <param name="Path">Its file, as it is now or was last.</param>
public sealed record JournalEvent(JournalEventKind Kind, long Segment, string Path)
{
    /// <summary>How long the file was before it was packed or moved; otherwise 0.</summary>
    public long BytesBefore { get; init; }

    /// <summary>How long it is now; 0 when that is not told.</summary>
    public long BytesAfter { get; init; }

    /// <summary>Why it failed; null for everything else.</summary>
    public Exception? Error { get; init; }
}
