namespace Comet.Journals;

/// <summary>One place of a journal that is not what was written.</summary>
public sealed record JournalDamage
{
    /// <summary>The file, or where a missing one should be.</summary>
    public required string File { get; init; }

    /// <summary>The byte of the file at which the damage begins.</summary>
    public required long FilePosition { get; init; }

    /// <summary>How many bytes cannot be trusted from there on; 0 where that means nothing.</summary>
    public long Length { get; init; }

    /// <summary>What is wrong, as a part of a sentence.</summary>
    public required string Reason { get; init; }

    /// <summary>The first sequence of the records that may be lost; null when the damage is of no record.</summary>
    public long? FirstSequence { get; init; }

    /// <summary>The first sequence after those that may be lost; null when nothing tells, or the damage is of no record.</summary>
    public long? EndSequence { get; init; }
}

/// <summary>What a look at every byte of a journal that carries a promise has found.</summary>
public sealed record JournalVerification
{
    /// <summary>All damage, in the order of the files.</summary>
    public required IReadOnlyList<JournalDamage> Damages { get; init; }

    /// <summary>Whether there is none.</summary>
    public bool IsWhole => Damages.Count == 0;

    /// <summary>How many segments were read.</summary>
    public required int Segments { get; init; }

    /// <summary>How many bytes their files have.</summary>
    public required long Bytes { get; init; }

    /// <summary>How many whole records of users there are.</summary>
    public required long Records { get; init; }

    /// <summary>How many bytes at the end a crash has torn: they were never confirmed as durable, and the next opening cuts them. That is
    /// no
    /// damage.</summary>
    public required long TornBytes { get; init; }
}

/// <summary>How far long work on a journal is.</summary>
/// <param name="Bytes">So many bytes are done.</param>
/// <param name="TotalBytes">Of so many.</param>
public readonly record struct JournalProgress(long Bytes, long TotalBytes);
