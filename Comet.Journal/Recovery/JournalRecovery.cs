using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Places;
using Comet.Journals.Records;
using Comet.Journals.Retention;
using Comet.Journals.Segments;

namespace Comet.Journals.Recovery;

/// <summary>
/// Makes a journal whole that nobody has open. What is damaged at or beyond the greatest place that any mark calls durable is a torn tail
/// and is cut; below it, it is the loss of something confirmed: nothing is touched and opening fails. What is whole but had not been made
/// durable is written again before it is, because after a failed flush the page cache may hold what the disk does not. A tail that was cut
/// or written again is never appended to: the segment is ended and a new one, with another salt, begun.
/// </summary>
internal sealed unsafe class JournalRecovery(SegmentStore store)
{
    private const int CopyLength = 1 << 20;

    private readonly List<(MappedSegment Segment, SegmentScan Scan)> _scans = [];
    private JournalPlace _durable;
    private JournalPlace _end;
    private long _nextSequence;
    private SegmentEntry? _firstDropped;

    /// <summary>Runs recovery. The caller holds the session alone.</summary>
    /// <exception cref="JournalException">Something that had been confirmed is damaged.</exception>
    public RecoveredJournal Run()
    {
        var entries = store.Catalog.Refresh();
        if (entries.Count == 0)
        {
            RequireNew();
            store.DeleteLeftovers();
            return Begin(null, 0, 0);
        }

        try
        {
            // Nothing is changed before it is known that all can be read and is in order.
            Scan(entries);
            if (_scans.Count == 0)
                return BeginAnew(_firstDropped ?? entries[0]);
            if (_end < _durable)
                throw Lost();

            store.DeleteLeftovers();
            var cut = Drop();
            var last = _scans[^1];
            cut += last.Scan.Rest >= 0 ? last.Segment.Layout.FileLength - last.Scan.Rest : 0;
            if (last.Scan.EndsWith is null && last.Scan.Rest < 0 && !_scans.Any(IsUnconfirmed) && !IsAnyReaderAhead(last.Segment.Number)
                && TryFillSector(last.Segment))
            {
                // What killed writers left, and the last mark, may be in the page cache only, and so may the name.
                WriteAgain(isEnding: false);
                return new RecoveredJournal(_end, _nextSequence, last.Segment.Header.FirstSequence, cut);
            }

            WriteAgain(isEnding: true);
            return Begin(last.Segment, _nextSequence, cut);
        }
        finally
        {
            foreach (var (segment, _) in _scans)
                segment.Release();
        }
    }

    /// <summary>Reads from the place that the last whole header calls durable to the end, or to where the segments do not follow each
    /// other any more.</summary>
    private void Scan(IReadOnlyList<SegmentEntry> entries)
    {
        var first = FirstToScan(entries);
        for (var i = first; i < entries.Count; i++)
        {
            var follows = _scans.Count == 0 ? (long?)null : _scans[^1].Scan.EndsWith ?? -1;
            var segment = _firstDropped is null ? TryOpen(entries[i], follows) : null;
            if (segment is null)
            {
                _firstDropped ??= entries[i];
                NoteMarks(entries[i]);
                continue;
            }

            var known = i == first && _durable.Segment == segment.Number ? _durable.Position : 0;
            var from = Math.Max(segment.Layout.DataStart, known);
            var scan = SegmentScan.Run(segment, from, _nextSequence);
            if (!scan.IsSequenceKnown)
                scan = SegmentScan.Run(segment, segment.Layout.DataStart, _nextSequence);
            _scans.Add((segment, scan));
            _nextSequence = scan.EndsWith ?? scan.NextSequence;
            _end = new JournalPlace(segment.Number, scan.End);
            Raise(scan.Durable);
        }
    }

    private int FirstToScan(IReadOnlyList<SegmentEntry> entries)
    {
        var last = entries.Count - 1;
        for (; last > 0; last--)
        {
            if (entries[last].Form.Length == 0 && TryReadHeader(entries[last], out var header) && header is not null)
            {
                _durable = header.DurableBefore;
                break;
            }
        }

        if (LastPacked(entries) is >= 0 and var packed)
        {
            // A segment is packed only once all of it, and something in the one behind it, is durable.
            Raise(new JournalPlace(entries[packed].Number + 1, 0));
            last = Math.Max(last, packed + 1);
            RequireGoesOn(entries, packed);
        }

        var first = last;
        while (first > 0 && entries[first].Number > _durable.Segment && entries[first - 1].Form.Length == 0)
            first--;
        return first;
    }

    private static int LastPacked(IReadOnlyList<SegmentEntry> entries)
    {
        var last = entries.Count - 1;
        while (last >= 0 && entries[last].Form.Length == 0)
            last--;
        return last;
    }

    private void RequireGoesOn(IReadOnlyList<SegmentEntry> entries, int packed)
    {
        if (packed + 1 < entries.Count)
            return;

        throw new JournalException(JournalErrorCode.Corrupt,
            $"Segment {entries[packed].Number + 1} is missing in {store.Directory}: it had been made durable before "
            + $"{entries[packed].Path} was packed. Nothing was changed: restore it from a copy.")
        {
            File = store.Directory
        };
    }

    /// <summary>The segment, when it is the one that comes next; null when it is not, or was never written to the disk.</summary>
    private MappedSegment? TryOpen(SegmentEntry entry, long? follows)
    {
        if (!TryReadHeader(entry, out var header) || header is null)
            return null;
        if (follows is { } sequence && (header.FirstSequence != sequence || entry.Number != _scans[^1].Segment.Number + 1))
            return null;

        return store.Open(entry.Number);
    }

    private bool TryReadHeader(SegmentEntry entry, out SegmentHeader? header)
    {
        using var file = store.Files.Open(entry.Path, FileOpening.Read);
        header = ReadHeader(file, entry, out _);
        return header is not null;
    }

    /// <summary>Both sectors of a header; null when the second is not whole.</summary>
    /// <exception cref="JournalException">What had been durable before the segment got its name is not what was written.</exception>
    private SegmentHeader? ReadHeader(IJournalFile file, SegmentEntry entry, out SegmentHeader identity)
    {
        Span<byte> page = stackalloc byte[SegmentHeader.Length];
        identity = SegmentHeader.ReadIdentity(page[..file.Read(page, 0)], entry.Path);
        var header = identity.TryReadPlace(page[SegmentHeader.SectorLength..]);
        if (identity.JournalId == store.JournalId && (header is null || header.Number == entry.Number)
            && file.Length >= identity.FileLength)
            return header;

        throw new JournalException(JournalErrorCode.Corrupt,
            $"{entry.Path} is not segment {entry.Number} of this journal, or was cut: it was renamed, or copied from another one. Nothing "
            + "was changed: restore it from a copy, or run 'comet journal repair' on the directory.")
        {
            File = entry.Path,
            FilePosition = 0
        };
    }

    /// <summary>Looks in a segment that is to be dropped for a mark that says otherwise.</summary>
    private void NoteMarks(SegmentEntry entry)
    {
        var file = store.Files.Open(entry.Path, FileOpening.Read);
        var header = ReadHeader(file, entry, out var identity) ?? identity with { Number = entry.Number, FirstSequence = _nextSequence };
        var segment = MappedSegment.Map(store.Files, file, header, writable: false);
        Raise(SegmentScan.Run(segment, segment.Layout.DataStart, 0).Durable);
        segment.Release();
    }

    private void Raise(JournalPlace durable)
    {
        if (durable > _durable)
            _durable = durable;
    }

    /// <summary>Takes segments that follow a cut out of the journal, under another name: they were never confirmed.</summary>
    private long Drop()
    {
        if (_firstDropped is null)
            return 0;

        var dropped = 0L;
        foreach (var entry in store.Catalog.Entries.Where(entry => entry.Number >= _firstDropped.Number).Reverse())
        {
            using (var file = store.Files.Open(entry.Path, FileOpening.Read))
                dropped += file.Length;
            store.Files.Replace(entry.Path, $"{entry.Path}{SegmentCatalog.CutSuffix}");
            store.Catalog.Remove(entry.Number);
        }

        store.Files.FlushDirectory(store.Directory);
        return dropped;
    }

    /// <summary>There is no segment: none must have been removed, because the last one always stays.</summary>
    private void RequireNew()
    {
        if (store.FirstKept is > 0 and var first)
        {
            throw new JournalException(JournalErrorCode.Corrupt,
                $"All segments in {store.Directory} are missing; {FirstSegmentMark.Name} says that those from {first} on are kept. "
                + "Nothing was changed: restore them from a copy.") { File = store.Directory };
        }
    }

    /// <summary>The creation of the journal was cut off before its first segment was on the disk.</summary>
    private RecoveredJournal BeginAnew(SegmentEntry first)
    {
        if (first.Number != 1 || _durable > default(JournalPlace))
        {
            throw new JournalException(JournalErrorCode.Corrupt,
                $"{first.Path} has a damaged header, and what it holds had been made durable. Nothing was changed: restore it from a copy.")
            {
                File = first.Path,
                FilePosition = SegmentHeader.SectorLength
            };
        }

        store.DeleteLeftovers();
        return Begin(null, 0, Drop());
    }

    private bool IsUnconfirmed((MappedSegment Segment, SegmentScan Scan) each) =>
        each.Scan.LastData >= 0 && new JournalPlace(each.Segment.Number, each.Scan.LastData) >= _durable;

    /// <summary>Whether a named reader has dealt with records that are lost: what is appended now has their sequences, and must not come to
    /// their places.</summary>
    private bool IsAnyReaderAhead(long last) => store.Files.List(store.Directory)
        .Where(static name => name.EndsWith(NamedReaders.Extension, StringComparison.Ordinal))
        .Select(name => NamedReaders.TryReadPlace(store.Files, Path.Combine(store.Directory, name), store.JournalId))
        .Any(place => place is { } known && known.Segment >= last && known.NextSequence > _nextSequence);

    /// <summary>Has the records end with a sector, so that what comes next is torn without what is called durable; false when there is no
    /// room for that.</summary>
    private bool TryFillSector(MappedSegment segment)
    {
        var position = _end.Position;
        if (position % SegmentHeader.SectorLength == 0)
            return true;

        var to = SegmentLayout.RoundUp(position + RecordLayout.HeaderLength, SegmentHeader.SectorLength);
        if (to > segment.Layout.DataEnd)
            return false;

        FillerRecords.WritePadding(segment.Start, segment.Seed, position, to);
        _end = new JournalPlace(segment.Number, to);
        return true;
    }

    /// <summary>Writes what is whole and was not durable again, ends the last segment unless it goes on, and flushes all of it.</summary>
    private void WriteAgain(bool isEnding)
    {
        // No more than is needed: thousands of small journals may be opened one after the other.
        var buffer = new byte[(int)Math.Min(CopyLength, _scans.Max(static each => each.Segment.Layout.FileLength))];
        foreach (var (segment, scan) in _scans)
        {
            if (segment.Number < _durable.Segment)
                continue;

            // Nothing before the durable place is touched: it shares no sector with what comes after.
            var from = segment.Number == _durable.Segment ? _durable.Position : 0;
            if (scan.EndsWith is null && isEnding)
                HoleCloser.OverwriteEnd(segment, scan.End, _nextSequence);
            var hasEnd = scan.EndsWith is not null || isEnding;
            for (var to = hasEnd ? scan.End + SegmentLayout.EndLength : _end.Position; from < to; from += buffer.Length)
            {
                var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, to - from));
                new ReadOnlySpan<byte>(segment.Start + from, part.Length).CopyTo(part);
                segment.File.Open().Write(part, from);
            }

            segment.File.Open().FlushData();
        }

        // Before the header of a new segment says that all before it is durable: names are a part of that.
        store.Files.FlushDirectory(store.Directory);
    }

    private RecoveredJournal Begin(MappedSegment? last, long firstSequence, long cutBytes)
    {
        var durable = last is null ? default : new JournalPlace(last.Number + 1, 0);
        var segment = store.CreateFirst(last, firstSequence, durable);
        try
        {
            segment.File.Open().FlushData();
            store.Files.FlushDirectory(store.Directory);
            return new RecoveredJournal(
                new JournalPlace(segment.Number, segment.Layout.DataStart), firstSequence, firstSequence, cutBytes);
        }
        finally
        {
            segment.Release();
        }
    }

    private JournalException Lost()
    {
        var (segment, scan) = _scans[^1];
        var path = segment.File.Path;
        return new JournalException(JournalErrorCode.Corrupt,
            $"{path} is damaged at byte {scan.End}, and what was there had been made durable: later marks say so, up to segment "
            + $"{_durable.Segment}, byte {_durable.Position}. Nothing was changed. Restore the file from a copy, or run 'comet "
            + "journal repair' on the directory, which keeps every whole record.")
        {
            File = path,
            FilePosition = scan.End
        };
    }
}
