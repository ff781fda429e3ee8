using Comet.Journals.Indexing;
using Comet.Journals.Records;

namespace Comet.Journals;

public sealed unsafe partial class JournalReader
{
    // Records know only what comes behind them: the positions of those between a place in the index and the reader.
    private int[] _steps = [];
    private int _stepCount;
    private (long Segment, long Position) _stepsLeadTo;

    /// <summary>Reads the record before the place the reader stands at, and stands before it then: reading forward gives the same record
    /// again. False at the first record that is kept.</summary>
    /// <param name="record">The record, valid until the reader is used again or disposed.</param>
    /// <exception cref="JournalException">What is there is not what was written.</exception>
    public bool TryReadBackward(out JournalRecord record)
    {
        RequireReadable();
        (_nextSequence, _readTo) = (0, Unknown);
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
            if (!RecordLayout.IsPlausible(word, _limit - _at))
                throw Damaged("there is no record where one should be");
            if (_stepCount == _steps.Length)
                Array.Resize(ref _steps, Math.Max(64, 2 * _stepCount));
            _steps[_stepCount++] = (int)position;
            position += RecordLayout.Size(word);
        }

        if (position != target || _stepCount == 0)
            throw Damaged("records do not follow each other");
        _stepsLeadTo = (_number, target);
        _ = TryMoveTo(_steps[_stepCount - 1]);
        _at = _origin + target;
    }

    /// <summary>Goes to the end of the segment before this one; false when there is none.</summary>
    private bool TryEnterBefore()
    {
        if (_state.Segments.Catalog.Before(_number) is not { } entry)
            return false;

        var number = _number;
        if (!TryEnter(entry))
        {
            // It was removed, and so were those before it.
            _ = _state.Segments.Catalog.Refresh();
            return _state.Segments.Catalog.Before(number) is { } other && other != entry && TryEnterBefore();
        }

        var position = _segment!.Find(new IndexGoal(IndexColumn.Position, long.MaxValue));
        while (TryMoveTo(position))
        {
            var word = RecordLayout.Word(_at);
            if (word == 0 || RecordLayout.Kind(word) == RecordKind.End || !RecordLayout.IsPlausible(word, _limit - _at))
                break;
            position += RecordLayout.Size(word);
        }

        return true;
    }
}
