using Comet.Journals.Control;
using Comet.Journals.Indexing;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals;

public sealed unsafe partial class JournalReader
{
    // Records know only what comes behind them: the positions of those between a place in the index and the reader.
    private int[] _steps = [];
    private int _stepCount;
    private (long Segment, long Position) _stepsLeadTo;

    /// <summary>Reads the record before the place the reader stands at, and stands before it then: reading forward gives the same record
    /// again. False at the first record that is kept. What a writer that is slow has not published yet is passed.</summary>
    /// <param name="record">The record, valid until the reader is used again or disposed.</param>
    /// <exception cref="JournalException">What is there is not what was written. The reader stays behind it.</exception>
    public bool TryReadBackward(out JournalRecord record)
    {
        RequireReadable();
        (_nextSequence, _readTo) = (0, Unknown);
        var (number, position) = (_number, Position);
        try
        {
            return TryFindBefore(out record);
        }
        catch (JournalException)
        {
            GoBackTo(number, position);
            throw;
        }
    }

    private bool TryFindBefore(out JournalRecord record)
    {
        while (TryStepBack())
        {
            var word = RecordLayout.Word(_at);
            RequireIntact(word);
            if (RecordLayout.Kind(word) == RecordKind.Data)
            {
                record = RecordAt(_at, word);
                return true;
            }
        }

        record = default;
        return false;
    }

    /// <summary>Where the reader stood before it failed: what it could not read is not passed over the next time.</summary>
    private void GoBackTo(long number, long position)
    {
        _stepCount = 0;
        if (number == 0)
            Leave();
        else if (number == _number || (_state.Segments.Catalog.Find(number) is { } entry && TryEnter(entry)))
            _at = _limit = _origin + position;
    }

    private bool TryStepBack()
    {
        if (_segment is null && !TryEnterNext())
            return false;

        while (true)
        {
            if (_stepCount > 0 && _stepsLeadTo == (_number, Position))
            {
                var position = _steps[--_stepCount];
                _stepsLeadTo = (_number, position);
                return TryMoveTo(position);
            }

            if (Position > _segment!.Header.Layout.DataStart)
                FindSteps(Position);
            else if (!TryEnterBefore())
                return false;
        }
    }

    private void FindSteps(long target)
    {
        var position = _segment!.Find(new IndexGoal(IndexColumn.Position, target - 1));
        _stepCount = 0;
        while (position < target && TryMoveTo(position))
        {
            var word = RecordLayout.Word(_at);
            if (word == 0 && FindBehindHole(position) is { } behind)
            {
                position = behind;
                continue;
            }

            if (!RecordLayout.IsPlausible(word, _limit - _at))
                throw Damaged("there is no record where one should be");
            if (_stepCount == _steps.Length)
                Array.Resize(ref _steps, Math.Max(64, 2 * _stepCount));
            _steps[_stepCount++] = (int)position;
            position += RecordLayout.Size(word);
        }

        if (position != target)
            throw Damaged("records do not follow each other");
        if (_stepCount == 0)
        {
            // The segment begins with a hole, and there is nothing in front of that.
            _ = TryMoveTo(_segment.Header.Layout.DataStart);
            return;
        }

        _stepsLeadTo = (_number, target);
        _ = TryMoveTo(_steps[_stepCount - 1]);
        _at = _origin + target;
    }

    /// <summary>Goes to the end of the segment before this one; false when there is none.</summary>
    private bool TryEnterBefore()
    {
        var catalog = _state.Segments.Catalog;
        var number = _number;
        for (var looks = 0; looks < MaxLooks; looks++)
        {
            if (looks > 0)
                _ = catalog.Refresh();
            if (catalog.Before(number) is { } entry && entry.Number == number - 1 && TryEnter(entry))
            {
                GoToEnd();
                return true;
            }

            // What others have removed meanwhile is no loss.
            if (number <= Math.Max(1, _state.Segments.FirstKept))
                return false;
        }

        throw Missing(number - 1);
    }

    private void GoToEnd()
    {
        var position = _segment!.Find(new IndexGoal(IndexColumn.Position, long.MaxValue));
        while (TryMoveTo(position))
        {
            var word = RecordLayout.Word(_at);
            if (word == 0 && FindBehindHole(position) is { } behind)
            {
                position = behind;
                continue;
            }

            if (word == 0 || RecordLayout.Kind(word) == RecordKind.End || !RecordLayout.IsPlausible(word, _limit - _at))
                break;
            position += RecordLayout.Size(word);
        }
    }

    /// <summary>Where the records go on behind a place where nothing is published, because a writer was killed there or has not come so
    /// far yet; null when there are none in this segment.</summary>
    private long? FindBehindHole(long position)
    {
        if (_segment is not MappedSegmentReader { Segment: var segment })
            return null;
        // Nothing else tells a reader that may not write what somebody who may is about to publish or to close.
        if (_state.Holes is not { } holes)
            return _state.Unattended!.FindBehindHole(segment, position);

        return holes.Look(segment, position) switch
        {
            HoleState.Closed => position,
            HoleState.Damaged => throw Damaged("nothing is there, and what was there had been made durable"),
            HoleState.Waiting => OpenClaims.FindBehind(_state.Control!.Locks, segment, position, 0),
            _ => null
        };
    }
}
