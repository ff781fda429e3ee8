using Comet.Journals.Indexing;
using Comet.Journals.Places;
using Comet.Journals.Records;

namespace Comet.Journals;

public sealed unsafe partial class JournalReader
{
    /// <summary>Where the reader stands.</summary>
    internal ReaderPlace GetPlace()
    {
        RequireReadable();
        var sequence = _readTo != Unknown ? _readTo : PeekSequence();
        return _segment is null ? default : new ReaderPlace(_number, _segment.Header.Salt, Position, sequence, 0);
    }

    /// <summary>The place behind a record.</summary>
    internal ReaderPlace GetPlaceAfter(JournalPosition done)
    {
        RequireReadable();
        if (_segment is not null && _number == done.Segment)
            return new ReaderPlace(_number, _segment.Header.Salt, done.FilePosition, done.Sequence + 1, 0);

        var entry = _state.Segments.Catalog.Find(done.Segment) ?? throw new JournalException(JournalErrorCode.NotFound,
            $"Segment {done.Segment} of {_state.Directory} is not kept any more: there is no place behind record {done.Sequence} in it.");
        using var segment = _state.Segments.OpenReader(entry);
        return new ReaderPlace(done.Segment, segment.Header.Salt, done.FilePosition, done.Sequence + 1, 0);
    }

    /// <summary>Goes to a place that was kept. When a power cut took away what was behind it then, all that came instead is read; when
    /// it was removed, from the first record that is kept.</summary>
    internal void GoTo(ReaderPlace place)
    {
        RequireReadable();
        (_nextSequence, _readTo) = (0, Unknown);
        var catalog = _state.Segments.Catalog;
        _ = catalog.Refresh();
        if (catalog.Find(place.Segment) is { } entry && TryEnter(entry))
        {
            // Another one of the same number: all of it is new.
            if (_segment!.Header.Salt == place.Salt && TryReach(place.Position) && !IsLost(place))
                _nextSequence = _readTo = place.NextSequence;
            return;
        }

        if (place.Segment == 0)
            _ = SeekFirst();
        else if (catalog.After(place.Segment) is not { } next)
            _ = SeekEnd();
        else
        {
            RequireNoGap(place.Segment, next.Number);
            Leave();
            _ = TryEnterNext();
        }
    }

    /// <summary>Whether the segment ends at a place that was behind more: the record that had been dealt with was there, or in front of it,
    /// and is gone.</summary>
    private bool IsLost(ReaderPlace place) => _at < _limit && RecordLayout.Word(_at) is var word
        && RecordLayout.Kind(word) == RecordKind.End && RecordLayout.Sequence(_at) < place.NextSequence;

    /// <summary>Goes to a place of the segment by records that follow each other; false, and the reader is at the end of the segment, where
    /// they end before it.</summary>
    private bool TryReach(long target)
    {
        var layout = _segment!.Header.Layout;
        if (target < layout.DataStart || target > layout.DataEnd)
            return true;

        var position = _segment.Find(new IndexGoal(IndexColumn.Position, target));
        while (TryMoveTo(position) && position < target)
        {
            var word = RecordLayout.Word(_at);
            if (word == 0 || RecordLayout.Kind(word) == RecordKind.End || !RecordLayout.IsPlausible(word, _limit - _at))
                return false;
            position += RecordLayout.Size(word);
        }

        return true;
    }
}
