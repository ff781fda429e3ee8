using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Comet.Journals.Durability;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Control;

/// <summary>
/// One writer's way to claim space and publish records: it holds a slot and the active segment. Claim, fill, publish,
/// <see cref="Complete"/>; nothing in between may fail, or else <see cref="Abandon"/>.
/// </summary>
internal sealed unsafe class ClaimCursor : IDisposable
{
    /// <summary>64 KiB: longer claims look before they add, so that no number of failed ones runs the tail word over.</summary>
    private const int MaxBlindClaim = 64 * 1024;

    // What is looked at in place of the journal's fault when a claim has to take the slow way.
    private static readonly ulong* s_noSlot = AlwaysOne();

    private readonly JournalState _state;
    private readonly ControlFile _control;
    private readonly JournalClock _clock;
    private WriterSlot _slot;
    private bool _hasSlot;
    private readonly ulong* _tail;
    private ulong* _refusal;
    private readonly int* _waiters;
    private readonly JournalFlusher _flusher;
    private MappedSegment _segment;
    private ulong _generation;
    private long _dataEnd;

    public ClaimCursor(JournalState state)
    {
        _state = state;
        _control = state.Control ?? throw new JournalException(JournalErrorCode.ReadOnly,
            $"The journal in {state.Directory} was opened to be read only. Open it with another {nameof(JournalOptions.Access)}.");
        _clock = new JournalClock(state.Options.TimeProvider);
        _tail = _control.Tail;
        _refusal = s_noSlot;
        _waiters = _control.Waiters;
        _flusher = state.Flusher!;
        MaxRecordLength = state.Options.MaxRecordLength;
        _segment = state.Roller!.Active();
        Use(_segment);
        try
        {
            TakeSlot();
        }
        catch
        {
            _segment.Release();
            throw;
        }
    }

    public int MaxRecordLength { get; }

    public byte* Start { get; private set; }

    public long FirstSequence { get; private set; }

    public long Segment => _segment.Number;

    /// <summary>Claims space in the active segment, which is a new one when need be. Returns the tail word before the claim.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Claim(int size, int sequences, out long timestamp)
    {
        timestamp = _clock.Now();
        if (timestamp < _segment.RollAt && size <= MaxBlindClaim && *_refusal == 0 && !_state.IsDisposed)
        {
            var claim = Add(size, sequences);
            if (Fits(claim, size) || !Missed(claim, size))
                return claim;
        }

        return ClaimSlowly(size, sequences, ref timestamp);
    }

    /// <summary>Writes the header of a record that is filled, and lets readers see it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Publish(byte* record, uint word, long timestamp, long sequence) =>
        RecordLayout.Publish(record, _segment.Seed, word, timestamp, sequence);

    /// <summary>Copies the body of a record whose last word is zero, writes its header, and lets readers see it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Publish(byte* record, uint word, long timestamp, long sequence, ReadOnlySpan<byte> body) =>
        RecordLayout.Publish(record, _segment.Seed, word, timestamp, sequence, body);

    /// <summary>Ends a claim all of whose records are published, and wakes readers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Complete(ulong claim, int size, int sequences)
    {
        var slot = _slot;
        slot.Intent = 0;
        if (_segment.NoteClaim(claim, size, sequences))
            _flusher.NoteProgress(_segment.Number, TailWord.Position(claim));
        if (!_flusher.IsDirty)
            _flusher.MarkDirty();
        // On x86 a reader that goes to sleep looks twice with a pause between, which is longer than a store takes to be seen.
        if (!X86Base.IsSupported)
            Interlocked.MemoryBarrier();
        if (*_waiters != 0)
            _state.WakeReaders();
    }

    /// <summary>Gives up a claim that cannot be filled: others close it like that of a dead writer.</summary>
    public void Abandon()
    {
        // Without a slot nothing may be claimed: others would take the claim for that of a dead writer while it is being filled.
        _refusal = s_noSlot;
        _hasSlot = false;
        _state.Slots!.Return(_slot);
        TakeSlot();
    }

    public void Dispose()
    {
        _segment.Release();
        if (_hasSlot)
            _state.Slots!.Return(_slot);
    }

    private void TakeSlot()
    {
        _slot = _state.TakeSlot();
        _hasSlot = true;
        _refusal = _control.Fault;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Add(int size, int sequences)
    {
        var slot = _slot;
        slot.Claim = 0;
        slot.Intent = (ulong)size;
        var add = TailWord.Claim(size, sequences);
        var claim = Interlocked.Add(ref *_tail, add) - add;
        slot.Claim = claim;
        return claim;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Fits(ulong claim, int size) =>
        TailWord.Generation(claim) == _generation && TailWord.Position(claim) + size <= _dataEnd;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ulong ClaimSlowly(int size, int sequences, ref long timestamp)
    {
        while (true)
        {
            _state.RequireUsable();
            if (!_hasSlot)
                TakeSlot();
            var tail = Volatile.Read(ref *_tail);
            if (TailWord.Generation(tail) != _generation)
            {
                Use(_state.Roller!.Active());
                continue;
            }

            var position = TailWord.Position(tail);
            if (position > _dataEnd)
            {
                _segment.RollAt = 0;
                Use(_state.Roller!.Next(_segment, timestamp, size));
                continue;
            }

            // The clock may have been set back since the cycle began; what comes late stays in the newest segment.
            var isOver = timestamp >= _segment.Header.CycleEnd;
            var fits = !isOver && position + size <= _dataEnd;
            var taken = fits ? size : _dataEnd + RecordLayout.Alignment - position;
            if (!_slot.TryClaim(_tail, tail, taken, fits ? sequences : 0))
                continue;
            if (fits)
                return tail;

            Missed(tail, taken);
        }
    }

    /// <summary>What to do with a claim that does not fit the segment known here. False when it is good after all: the journal went on
    /// while this thread slept between two instructions, and the claim is in a newer segment. Otherwise the first beyond the end of a
    /// segment ends it, and others are nothing.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Missed(ulong claim, long size)
    {
        if (TailWord.Generation(claim) != _generation)
        {
            try
            {
                var number = _control.SegmentOf(claim);
                if (_state.Segments.TryOpen(number) is not { } segment)
                {
                    // Packed while this thread slept: all that was claimed in it is published, so this is nothing. Or removed.
                    if (number >= _control.GetDurable().Place.Segment && !_state.Segments.IsRemoved(number))
                        _state.Segments.Open(number).Release();
                    _slot.Intent = 0;
                    return true;
                }

                Use(segment);
            }
            catch
            {
                Abandon();
                throw;
            }
        }

        var position = TailWord.Position(claim);
        if (position + size <= _dataEnd)
            return false;
        if (position <= _dataEnd)
            _state.Roller!.End(_segment, claim);
        _slot.Intent = 0;
        return true;
    }

    private static ulong* AlwaysOne()
    {
        var word = (ulong*)RuntimeHelpers.AllocateTypeAssociatedMemory(typeof(ClaimCursor), sizeof(ulong));
        *word = 1;
        return word;
    }

    private void Use(MappedSegment segment)
    {
        if (!ReferenceEquals(segment, _segment))
            _segment.Release();
        _segment = segment;
        Start = segment.Start;
        FirstSequence = segment.Header.FirstSequence;
        _generation = segment.Generation;
        _dataEnd = segment.Layout.DataEnd;
    }
}
