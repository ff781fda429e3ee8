using Comet.Journals.Control;
using Comet.Journals.Segments;

namespace Comet.Journals.Durability;

/// <summary>The steps of a flush: append a mark, wait until everything before it is published, flush the segments and, when one is new, the
/// directory; then all up to the end of the mark is durable. One thread at a time.</summary>
internal sealed unsafe class FlushRun : IDisposable
{
    private readonly JournalState _state;
    private readonly ControlFile _control;
    private readonly MarkWriter _marks;
    private readonly PublishedClaims _claims;
    private readonly DurableTurn _turn;
    private JournalPlace _durable;
    private long _durableSequence;
    private JournalPlace _marked;
    private JournalPlace _covered;
    private FlushMark? _underWay;

    public FlushRun(JournalState state)
    {
        _state = state;
        _control = state.Control!;
        _marks = new MarkWriter(state);
        _claims = new PublishedClaims(state);
        _turn = new DurableTurn(_control, state.Slots!, state.Segments.NextId());
        _ = LearnDurable();
        _marked = _durable;
    }

    /// <summary>Up to where everything is durable, as far as this process knows.</summary>
    public JournalPlace Durable => _durable;

    /// <summary>Everything that was claimed before this is durable, or a mark that need not be: what waits for a place up to here has what
    /// it waits for.</summary>
    public JournalPlace Covered => _covered > _durable ? _covered : _durable;

    /// <summary>Whether a flush has its mark but not been finished.</summary>
    public bool IsUnderWay => _underWay is not null;

    /// <summary>Whether there is nothing to flush.</summary>
    public bool IsAllDurable
    {
        get
        {
            _ = LearnDurable();
            var tail = PlaceOf(Volatile.Read(ref *_control.Tail));
            return tail <= Covered;
        }
    }

    /// <summary>How many bytes there are from what is durable to a place.</summary>
    /// <remarks>Also from other threads: the two numbers may not belong together then, which makes a flush early or late once.</remarks>
    public long LengthTo(long segment, long position) =>
        segment == _durable.Segment ? position - _durable.Position : long.MaxValue;

    /// <summary>Makes everything that has been appended durable, or finishes the flush that is under way. False when a living writer is in
    /// the middle of an append that comes before: to be tried again soon.</summary>
    /// <param name="wanted">Nothing is done when everything up to here is durable already; null for all.</param>
    /// <exception cref="JournalException">A flush failed: the journal has stopped for good.</exception>
    public bool TryRun(JournalPlace? wanted)
    {
        _state.RequireFaultless();
        if (_underWay is null)
        {
            if (IsAllDurable || (wanted is { } place && place <= _durable))
                return true;

            _underWay = _marks.Write(_durable, _durableSequence);
            _marked = _durable;
        }

        try
        {
            return TryFinish(_underWay.Value);
        }
        catch (JournalException gone) when (gone.Code == JournalErrorCode.NotFound
            && (LearnDurable() || _state.Segments.IsRemoved(_durable.Segment)))
        {
            // While this thread slept others made the segment durable and packed it, or removed it.
            return false;
        }
    }

    /// <summary>Says in a mark of its own up to where all is durable, unless the last one does. It is not flushed.</summary>
    public void WriteIdleMark()
    {
        if (_marked >= _durable)
            return;

        var mark = _marks.Write(_durable, _durableSequence);
        _marked = _durable;
        // Only when nothing came between the look and the mark: that would be taken for durable otherwise.
        if (!mark.IsSegmentOver && PlaceOf(mark.Before) <= Covered)
            _covered = mark.Place;
    }

    /// <summary>After a flush, with nobody left who could append: has the next opener find that all is in order, with a last mark that says
    /// so. False when somebody died in the middle of an append, which the next opener deals with.</summary>
    public bool TryEndSession()
    {
        if (PlaceOf(Volatile.Read(ref *_control.Tail)) > _durable || _marked < _durable)
        {
            _underWay = _marks.Write(_durable, _durableSequence);
            _marked = _durable;
            if (!TryFinish(_underWay.Value))
                return false;
        }

        return _control.IsClean = _state.Slots!.FindDead().Count == 0;
    }

    public void Dispose() => _marks.Dispose();

    /// <summary>Whether more is durable than was known.</summary>
    private bool LearnDurable()
    {
        var (place, sequence) = _control.GetDurable();
        if (place <= _durable)
            return false;

        (_durable, _durableSequence) = (place, sequence);
        return true;
    }

    private bool TryFinish(FlushMark mark)
    {
        if (mark.Place.Segment < _durable.Segment)
        {
            _underWay = null;
            return true;
        }

        if (!_claims.Await(_durable, mark.Before))
            return false;

        var place = mark.Place;
        if (mark.IsSegmentOver)
        {
            if (FindEnd(place.Segment) is { } end)
                place = new JournalPlace(place.Segment, end);
            else if (_state.Segments.IsRemoved(place.Segment))
                place = new JournalPlace(place.Segment + 1, 0);
            else
                return false;
        }

        if (place > _durable)
        {
            if (!TryFlush(place, mark.IsSegmentOver ? SegmentLayout.EndLength : 0))
                return false;

            // A flush elsewhere may have failed after this one had begun, and taken the pages along that this one was for.
            _state.RequireFaultless();
            (_durable, _durableSequence) = (place, mark.Sequence);
            RaiseDurable();
        }

        _underWay = null;
        _covered = PlaceOf(mark.Before);
        return true;
    }

    /// <summary>Tells everybody up to where everything is durable, unless more is known already or somebody else is telling right now: a
    /// process that is stopped in there must not stop the flushes of others.</summary>
    private void RaiseDurable()
    {
        var slot = _marks.Slot;
        if (!_turn.TryTake(slot))
            return;

        if (_control.GetDurable().Place < _durable)
            _control.SetDurable(_durable, _durableSequence);
        _turn.Return(slot);
    }

    private JournalPlace PlaceOf(ulong tail) => new(_control.SegmentOf(tail), TailWord.Position(tail));

    private bool TryFlush(JournalPlace place, long endLength)
    {
        for (var number = _durable.Segment; number <= place.Segment; number++)
        {
            if (OpenUnlessRemoved(number) is not { } segment)
                continue;

            try
            {
                var from = number == _durable.Segment ? _durable.Position : 0;
                // A reader can go on from a segment only by its end mark, so this is part of what comes after.
                if (number < place.Segment && PublishedClaims.FindEnd(segment, from) is null)
                    return false;

                Flush(segment, from, number == place.Segment ? place.Position + endLength : segment.Layout.FileLength);
            }
            finally
            {
                segment.Release();
            }
        }

        if (place.Segment > _durable.Segment)
            FlushDirectory();
        return true;
    }

    private void Flush(MappedSegment segment, long from, long to)
    {
        try
        {
            segment.Flush(from, to);
        }
        catch (JournalException failure)
        {
            throw _state.Fail(failure);
        }
    }

    private void FlushDirectory()
    {
        try
        {
            _state.Segments.Files.FlushDirectory(_state.Directory);
        }
        catch (JournalException failure)
        {
            throw _state.Fail(failure);
        }
    }

    private long? FindEnd(long number)
    {
        if (OpenUnlessRemoved(number) is not { } segment)
            return null;

        try
        {
            var from = number == _durable.Segment ? _durable.Position : 0;
            return PublishedClaims.FindEnd(segment, from);
        }
        finally
        {
            segment.Release();
        }
    }

    // What was removed before it was durable need not become it.
    private MappedSegment? OpenUnlessRemoved(long number) =>
        _state.Segments.TryOpen(number) ?? (_state.Segments.IsRemoved(number) ? null : _state.Segments.Open(number));
}
