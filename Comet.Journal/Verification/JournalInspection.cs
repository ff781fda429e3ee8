using Comet.Journals.Control;

namespace Comet.Journals.Verification;

/// <summary>What an inspection has found, for a report and for a repair.</summary>
internal sealed record JournalInspection
{
    public required JournalMetadata? Metadata { get; init; }

    /// <summary>The journal's id, from wherever it is known.</summary>
    public required Guid? JournalId { get; init; }

    /// <summary>All segments that are there or should be, in order, up to where a crash has torn the journal.</summary>
    public required IReadOnlyList<SegmentFinding> Segments { get; init; }

    /// <summary>Damaged files that are no segments: their names, without the directory.</summary>
    public required IReadOnlyList<string> DamagedFiles { get; init; }

    /// <summary>Further files for segments that another file is taken for.</summary>
    public required IReadOnlyList<string> Doubles { get; init; }

    /// <summary>The first sequence that is not known to be durable.</summary>
    public required long DurableSequence { get; init; }

    public required JournalVerification Report { get; init; }
}
