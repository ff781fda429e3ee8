namespace Comet.Journals;

/// <summary>One record, for where a <see cref="JournalRecord"/> cannot be: asynchronous sequences and observers.</summary>
/// <typeparam name="T">What it holds; <see cref="ReadOnlyMemory{T}"/> of bytes when nothing turns them into something else.</typeparam>
/// <param name="Value">What was appended. Bytes are not copied: they are valid until the next record is asked for.</param>
/// <param name="Timestamp">When the record was appended, by the writer's clock. Not necessarily rising.</param>
/// <param name="Position">Its sequence and place.</param>
public readonly record struct JournalEntry<T>(T Value, DateTimeOffset Timestamp, JournalPosition Position)
{
    /// <summary>Its sequence.</summary>
    public long Sequence => Position.Sequence;
}
