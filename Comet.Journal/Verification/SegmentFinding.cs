using Comet.Journals.Segments;

namespace Comet.Journals.Verification;

/// <summary>What there is of one segment.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Path">Its file, or where that should be.</param>
internal sealed record SegmentFinding(long Number, string Path)
{
    /// <summary>Null when there is no file.</summary>
    public SegmentEntry? Entry { get; init; }

    /// <summary>Null when nothing in the file can be trusted. What a damaged second sector should say comes from its neighbours.</summary>
    public SegmentHeader? Header { get; set; }

    public bool IsPlaceDamaged { get; set; }

    /// <summary>Why there is no header, as a part of a sentence.</summary>
    public string? Unreadable { get; set; }

    /// <summary>How many bytes the file has; fewer than the header says when it was cut.</summary>
    public long FileLength { get; set; }

    /// <summary>Null when there is nothing to be read, or it is not in the form it was written in.</summary>
    public SegmentInspection? Inspection { get; set; }

    /// <summary>Which ranges are damage, and not the claims of writers or a torn tail.</summary>
    public List<DamagedRange> Damaged { get; } = [];

    /// <summary>The damaged blocks of a packed segment, with the positions in the segment from and to which each reaches.</summary>
    public List<(JournalDamage Damage, long From, long To)> DamagedBlocks { get; } = [];

    /// <summary>Whether it is packed and encrypted: it is not for a repair to write it again in the clear.</summary>
    public bool IsEncrypted { get; set; }

    /// <summary>Where the records end for good because what was behind is lost, or null.</summary>
    public long? EndMarkMissingAt { get; set; }

    public bool IsPacked => Entry is { Form.Length: > 0 };

    public bool IsCut => Header is { } header && !IsPacked && Entry is not null && FileLength < header.FileLength;

    public bool IsDamaged => Entry is null || Unreadable is not null || IsPlaceDamaged || IsCut
        || Damaged.Count > 0 || DamagedBlocks.Count > 0 || EndMarkMissingAt is not null;
}
