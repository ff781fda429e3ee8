using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Durability;

/// <summary>Appends the marks that flushes end with, from a slot of its own. Never begins a segment: where no mark fits, it ends the
/// segment, whose end mark does as well.</summary>
internal sealed unsafe class MarkWriter(JournalState state) : IDisposable
{
    private readonly ControlFile _control = state.Control!;
    private WriterSlot? _slot;
    private MappedSegment? _segment;

    /// <summary>The slot marks are claimed with, taken when there is none.</summary>
    public WriterSlot Slot => _slot ??= state.TakeFlushSlot();

    /// <summary>The active segment, kept here until another one is.</summary>
    public MappedSegment Segment
    {
        get
        {
            var active = _control.ActiveSegment;
            if (_segment is { } kept && kept.Number == active)
                return kept;

            var opened = state.Roller!.Active();
            _segment?.Release();
            return _segment = opened;
        }
    }

    /// <summary>Appends a mark that says up to where the journal is durable now.</summary>
    public FlushMark Write(JournalPlace durable, long durableSequence)
    {
        var slot = Slot;
        while (true)
        {
            var segment = Segment;
            var tail = Volatile.Read(ref *_control.Tail);
            if (TailWord.Generation(tail) != segment.Generation)
                continue;

            var position = TailWord.Position(tail);
            var next = segment.Header.FirstSequence + TailWord.Count(tail);
            if (position > segment.Layout.DataEnd)
                return new FlushMark(new JournalPlace(segment.Number, 0), next, tail, true);

            var length = MarkBody.LengthAt(position);
            var size = RecordLayout.Size(length);
            var fits = position + size <= segment.Layout.DataEnd;
            if (!fits)
                size = (int)(segment.Layout.DataEnd + RecordLayout.Alignment - position);
            if (!slot.TryClaim(_control.Tail, tail, size, 0))
                continue;

            if (!fits)
            {
                state.Roller!.End(segment, tail);
                slot.Intent = 0;
                continue;
            }

            MarkBody.Write(segment.Start + position, durable, durableSequence, length);
            RecordLayout.Publish(segment.Start + position, segment.Seed, RecordLayout.Word(RecordKind.Mark, length), 0, next);
            slot.Intent = 0;
            segment.NoteClaim(tail, size, 0);
            state.WakeReadersIfAny();
            return new FlushMark(new JournalPlace(segment.Number, position + size), next, tail, false);
        }
    }

    public void Dispose()
    {
        _segment?.Release();
        _segment = null;
        if (_slot is { } slot)
            state.Slots!.Return(slot);
        _slot = null;
    }
}
