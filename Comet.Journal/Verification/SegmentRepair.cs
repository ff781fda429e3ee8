using Comet.Journals.FileSystem;
using Comet.Journals.Packing;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Verification;

/// <summary>Makes the file that takes the place of a damaged segment: all whole records where they were, padding over the rest, so that
/// every
/// place in it stays the same place.</summary>
internal sealed unsafe class SegmentRepair(IFileSystem files, JournalOptions options, IJournalKeyProvider? keys)
{
    /// <summary>Writes the file, durably but for its name.</summary>
    /// <param name="finding">The damaged segment, of which at least the first sector is whole.</param>
    /// <param name="path">The file that is written.</param>
    /// <param name="endSequence">What an end mark that is missing says.</param>
    public void Write(SegmentFinding finding, string path, long endSequence)
    {
        var header = finding.IsPlaceDamaged ? WithCycle(finding.Header!, finding.Entry!.CycleStart) : finding.Header!;
        using (var file = files.Open(path, FileOpening.Create))
        {
            file.Preallocate(header.FileLength);
            if (finding.IsPacked)
            {
                var lost = Unpack(finding, file);
                // Without the last block there is no end mark either.
                var endAt = finding.Inspection!.EndsWith is null ? finding.DamagedBlocks[^1].From : (long?)null;
                Finish(file, header, lost, endAt, endSequence);
                return;
            }

            using (var original = files.Open(finding.Path, FileOpening.Read))
                KeptAside.CopyBytes(original, file, Math.Min(finding.FileLength, header.FileLength));
            Finish(file, header, finding.Damaged, finding.EndMarkMissingAt, endSequence);
        }
    }

    /// <summary>Writes what is whole of a packed segment to where it was before it was packed, and tells what is not.</summary>
    private List<DamagedRange> Unpack(SegmentFinding finding, IJournalFile file)
    {
        using var reader = PackedSegmentReader.Open(files, finding.Path, keys);
        var blocks = reader.File.Blocks;
        var lost = finding.DamagedBlocks.ConvertAll(static each => new DamagedRange(each.From, each.To, false, 0, null));
        for (var i = 0; i < blocks.Count; i++)
        {
            var position = blocks[i].Position;
            var end = lost.Find(range => range.To == reader.File.EndOf(i)) is { To: > 0 } range ? range.From : reader.File.EndOf(i);
            if (position == end)
                continue;

            var window = reader.Open(position);
            file.Write(new ReadOnlySpan<byte>(window.Origin + position, (int)(end - position)), position);
        }

        return lost;
    }

    /// <summary>Writes a segment without a record, in the place of one of which nothing is left.</summary>
    public void WriteEmpty(SegmentEntry entry, Guid journalId, uint salt, long firstSequence, long endSequence, string path)
    {
        var header = WithCycle(new SegmentHeader
        {
            JournalId = journalId,
            FileLength = SegmentLayout.MinFileLength,
            Salt = salt,
            Created = entry.CycleStart,
            Number = entry.Number,
            FirstSequence = firstSequence
        }, entry.CycleStart);
        using var file = files.Open(path, FileOpening.Create);
        file.Preallocate(header.FileLength);
        Finish(file, header, [], header.Layout.DataStart, endSequence);
    }

    private SegmentHeader WithCycle(SegmentHeader header, long cycleStart) => header with
    {
        CycleStart = cycleStart, CycleEnd = options.RollCycle.Around(cycleStart).End
    };

    private void Finish(IJournalFile file, SegmentHeader header, List<DamagedRange> damaged, long? endAt, long endSequence)
    {
        Span<byte> sector = stackalloc byte[SegmentHeader.SectorLength];
        header.WriteIdentity(sector);
        file.Write(sector, 0);
        header.WritePlace(sector);
        file.Write(sector, SegmentHeader.SectorLength);
        using (var mapping = file.Map(header.FileLength, writable: true))
        {
            foreach (var range in damaged.Where(range => range.From < (endAt ?? long.MaxValue)))
            {
                new Span<byte>(mapping.Pointer + range.From, (int)(range.To - range.From)).Clear();
                // Less than a header at the end of a file that was cut: zeros are the end as well.
                if (range.To - range.From >= RecordLayout.HeaderLength)
                    FillerRecords.WritePadding(mapping.Pointer, header.Seed, range.From, range.To);
            }

            if (endAt is { } at)
            {
                new Span<byte>(mapping.Pointer + at, (int)(header.FileLength - at)).Clear();
                FillerRecords.WriteEnd(mapping.Pointer, header.Seed, at, endSequence);
            }
        }

        file.FlushData();
    }
}
