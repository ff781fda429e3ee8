namespace Comet.Journals;

/// <summary>What a repair has done, or would do.</summary>
public sealed record JournalRepair
{
    /// <summary>What was damaged, and with it what was lost.</summary>
    public required IReadOnlyList<JournalDamage> Damages { get; init; }

    /// <summary>Each change of a file, as a sentence.</summary>
    public required IReadOnlyList<string> Changes { get; init; }

    /// <summary>Where the damaged originals are kept: <c>damaged-N-NAME.kept</c> beside the files that took their places. Nothing reads
    /// them;
    /// delete them when they are of no more use.</summary>
    public required IReadOnlyList<string> KeptAside { get; init; }

    /// <summary>What is still damaged, or would be: empty unless the repair does not know how.</summary>
    public required IReadOnlyList<JournalDamage> Remaining { get; init; }
}
