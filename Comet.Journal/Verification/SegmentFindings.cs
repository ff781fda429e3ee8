using Comet.Journals.FileSystem;
using Comet.Journals.Packing;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Verification;

/// <summary>Opens the files of a journal's segments, as far as they let themselves be opened.</summary>
internal sealed unsafe class SegmentFindings(IFileSystem files, Guid? journalId, IJournalKeyProvider? keys)
{
    /// <summary>The journal's id; that of the first whole segment when nothing else tells it.</summary>
    public Guid? JournalId { get; private set; } = journalId;

    /// <summary>Reads the header of a segment. Null when the file has gone since it was listed.</summary>
    public SegmentFinding? TryReadHeader(SegmentEntry entry)
    {
        var finding = new SegmentFinding(entry.Number, entry.Path) { Entry = entry };
        try
        {
            using var file = files.Open(entry.Path, FileOpening.Read);
            finding.FileLength = file.Length;
            if (finding.IsPacked)
                ReadPackedHeader(finding);
            else
                ReadHeader(file, finding);
        }
        catch (JournalException gone) when (gone.Code == JournalErrorCode.NotFound)
        {
            return null;
        }

        return finding;
    }

    /// <summary>Reads the records of a segment whose header is known.</summary>
    /// <exception cref="JournalException">It is encrypted with a key that is not known.</exception>
    public void ReadRecords(SegmentFinding finding)
    {
        if (finding.IsPacked)
        {
            ReadPacked(finding);
            return;
        }

        using var file = files.Open(finding.Path, FileOpening.Read);
        var length = Math.Min(file.Length & ~(long)(RecordLayout.Alignment - 1), finding.Header!.FileLength);
        using var mapping = length > 0 ? file.Map(length, writable: false) : null;
        finding.Inspection = SegmentInspection.Run(new RecordSearch(mapping is null ? null : mapping.Pointer, length, finding.Header),
            finding.Header.Layout.DataStart, finding.Header.FirstSequence);
    }

    private void ReadPackedHeader(SegmentFinding finding)
    {
        try
        {
            var (header, _) = PackedFile.Peek(files, finding.Path);
            JournalId ??= header.Segment.JournalId;
            finding.IsEncrypted = header.KeyId is not null;
            if (header.Segment.JournalId != JournalId)
                finding.Unreadable = "it is of another journal";
            else if (header.Segment.Number != finding.Number)
                finding.Unreadable = $"it is segment {header.Segment.Number} under another name";
            else
                finding.Header = header.Segment;
        }
        catch (JournalException damaged) when (damaged.Code == JournalErrorCode.Corrupt)
        {
            finding.Unreadable = "its header or its end is not what was written";
        }
    }

    private void ReadPacked(SegmentFinding finding)
    {
        try
        {
            using var reader = PackedSegmentReader.Open(files, finding.Path, keys);
            PackedInspection.Run(reader, finding);
        }
        catch (JournalException damaged) when (damaged.Code == JournalErrorCode.Corrupt)
        {
            (finding.Header, finding.Unreadable) = (null, "its table of blocks is not what was written");
        }
    }

    private void ReadHeader(IJournalFile file, SegmentFinding finding)
    {
        Span<byte> page = stackalloc byte[2 * SegmentHeader.SectorLength];
        page = page[..file.Read(page, 0)];
        try
        {
            var identity = SegmentHeader.ReadIdentity(page, file.Path);
            JournalId ??= identity.JournalId;
            var place = page.Length > SegmentHeader.SectorLength ? identity.TryReadPlace(page[SegmentHeader.SectorLength..]) : null;
            if (identity.JournalId != JournalId)
                finding.Unreadable = "it is of another journal";
            else if (place is not null && place.Number != finding.Number)
                finding.Unreadable = $"it is segment {place.Number} under another name";
            else if (identity.FileLength is < SegmentLayout.MinFileLength or > SegmentLayout.MaxFileLength)
                finding.Unreadable = $"its header says that it has {identity.FileLength} bytes";
            else
            {
                finding.Header = place ?? identity with { Number = finding.Number };
                finding.IsPlaceDamaged = place is null;
            }
        }
        catch (JournalException damaged) when (damaged.Code == JournalErrorCode.Corrupt)
        {
            finding.Unreadable = "the first sector of its header is not what was written";
        }
    }
}
