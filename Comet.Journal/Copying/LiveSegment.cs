using Comet.Journals.FileSystem;
using Comet.Journals.Records;
using Comet.Journals.Recovery;
using Comet.Journals.Segments;

namespace Comet.Journals.Copying;

/// <summary>A segment that may still be written: what is published at the beginning of it is found first, and only that is copied, because
/// it does not change any more. A plain copy of the bytes could have a mark in it that calls durable what was not there yet when its place
/// was copied.</summary>
/// <param name="segment">The segment.</param>
/// <param name="unattended">Judges places where no whole record is.</param>
/// <param name="isWanted">Whether something in front of the copy's end, given its position, is still to be published soon.</param>
internal sealed unsafe class LiveSegment(MappedSegment segment, UnattendedJournal unattended, Func<long, bool> isWanted)
{
    private const int PartLength = 1 << 20;

    private readonly List<(long From, long To)> _holes = [];

    /// <summary>Where what is copied ends.</summary>
    public long End { get; private set; } = segment.Layout.DataStart;

    /// <summary>One more than the last sequence in it.</summary>
    public long NextSequence { get; private set; } = segment.Header.FirstSequence;

    /// <summary>Whether the journal goes on in the next segment.</summary>
    public bool IsOver { get; private set; }

    private bool HasEndMark { get; set; }

    /// <summary>Finds out how far it is published.</summary>
    /// <exception cref="JournalException">Something that had been made durable is not what was written.</exception>
    public void Look()
    {
        var goesOn = true;
        while (goesOn && !IsOver)
        {
            // It is judged by what was seen: a moment later there may be a record.
            var word = End + RecordLayout.HeaderLength > segment.Layout.FileLength ? 0 : RecordLayout.Word(segment.Start + End);
            goesOn = TryPassRecord(word) || TryPassGap(word);
        }
    }

    /// <summary>Copies it. Holes that killed writers left become padding: the copy has nothing that tells them from an end.</summary>
    public void Copy(IFileSystem files, string path, CancellationToken cancellationToken)
    {
        using var target = files.Open(path, FileOpening.Create);
        for (var at = 0L; at < End; at += PartLength)
        {
            cancellationToken.ThrowIfCancellationRequested();
            target.Write(new ReadOnlySpan<byte>(segment.Start + at, (int)Math.Min(PartLength, End - at)), at);
        }

        var needsEnd = IsOver && !HasEndMark;
        if (needsEnd)
            target.Write(new byte[SegmentLayout.EndLength], End);
        target.Truncate(segment.Layout.FileLength);
        if (needsEnd || _holes.Count > 0)
            Fill(target, needsEnd);
        target.FlushData();
    }

    // Only bytes are written that have been written before: those have blocks of their own.
    private void Fill(IJournalFile target, bool needsEnd)
    {
        using var mapping = target.Map(segment.Layout.FileLength, writable: true);
        var seed = RecordLayout.Seed(segment.Header.Salt, segment.Number);
        foreach (var (from, to) in _holes)
        {
            *(uint*)(mapping.Pointer + from) = 0;
            FillerRecords.WritePadding(mapping.Pointer, seed, from, to);
        }

        if (needsEnd)
            FillerRecords.WriteEnd(mapping.Pointer, seed, End, NextSequence);
    }

    private bool TryPassRecord(uint word)
    {
        var record = segment.Start + End;
        var seed = RecordLayout.Seed(segment.Header.Salt, segment.Number);
        if (word == 0 || !RecordLayout.IsPlausible(word, segment.Layout.FileLength - End) || !RecordLayout.IsIntact(seed, word, record))
            return false;
        if (RecordLayout.Kind(word) == RecordKind.Data)
            NextSequence = RecordLayout.Sequence(record) + 1;
        if (RecordLayout.Kind(word) == RecordKind.End)
        {
            (IsOver, HasEndMark) = (true, true);
            NextSequence = Math.Max(NextSequence, RecordLayout.Sequence(record));
        }

        End += RecordLayout.Size(word);
        return true;
    }

    /// <summary>Whether to go on behind a place without a whole record.</summary>
    private bool TryPassGap(uint word)
    {
        if (End > segment.Layout.DataEnd)
            return false;
        var judged = unattended.Judge(segment, End, word, NextSequence, out var next);
        // Published while it was looked at.
        if (RecordLayout.Word(segment.Start + End) != word)
            return true;
        switch (judged)
        {
            case UnattendedPlace.Hole:
                _holes.Add((End, next));
                End = next;
                return true;
            case UnattendedPlace.SegmentEnd:
                return IsOver = true;
            case UnattendedPlace.Damage:
                throw new JournalException(JournalErrorCode.Corrupt,
                    $"{segment.File.Path} is damaged at byte {End}, where something had been made durable. Look at it with 'comet journal "
                    + "verify', and repair it before it is copied.")
                {
                    File = segment.File.Path, FilePosition = End
                };
            default:
                return isWanted(End);
        }
    }
}
