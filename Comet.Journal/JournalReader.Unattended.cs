using Comet.Journals.Records;
using Comet.Journals.Recovery;
using Comet.Journals.Segments;

namespace Comet.Journals;

public sealed unsafe partial class JournalReader
{
    private (long Segment, long Position, uint Word) _end;

    /// <summary>There is no whole record here, and the journal is only read. True when reading goes on, behind a hole or in the next
    /// segment; false at the end, for now.</summary>
    /// <exception cref="JournalException">What is missing had been made durable.</exception>
    private bool TryPass(uint word)
    {
        // What has been judged stays so until something else is there.
        var here = (_number, Position, word);
        if (_end == here)
            return false;
        if (_segment is not MappedSegmentReader { Segment: var segment })
            throw Damaged(WrongChecksum);

        var judged = _state.Unattended!.Judge(segment, Position, word, _nextSequence, out var next);
        // Published, or cut by recovery, while it was looked at: it is looked at again.
        if (RecordLayout.Word(_at) != word)
            return true;

        switch (judged)
        {
            case UnattendedPlace.Hole:
                _at = _origin + next;
                return true;
            case UnattendedPlace.SegmentEnd:
                return TryEnterNext();
            case UnattendedPlace.Damage:
                throw Damaged(word == 0 ? NothingThere : WrongChecksum);
            default:
                _end = word != 0 ? here : default;
                return false;
        }
    }

    private bool IsIntact(uint word) =>
        RecordLayout.IsPlausible(word, _limit - _at) && (!_verify || RecordLayout.IsIntact(_seed, word, _at));
}
