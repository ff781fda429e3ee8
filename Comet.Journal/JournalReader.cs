using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals;

/// <summary>Reads a journal's records, forward and backward. For one thread at a time; any number of readers read the same journal, each
/// all of it.</summary>
/// <remarks>What it returns is valid until it is used again or disposed. A reader stands between two records: reading forward gives the one
/// behind it, reading backward the one before it. What retention or truncation removes while a reader is
/// in the middle of it is read to its end; a reader that is before it goes on with the first record that is kept.</remarks>
public sealed unsafe partial class JournalReader : IDisposable
{
    private const long Unknown = -1;
    private const int Ahead = 4096;
    private const string NothingThere = "nothing is there, and what was there had been made durable";
    private const string WrongChecksum = "the checksum of the record there is wrong";

    // A segment that is known but not there was removed a moment ago, which the next look tells.
    private const int MaxLooks = 8;

    private readonly JournalState _state;
    private readonly bool _verify;
    private ISegmentReader? _segment;
    private byte* _at;
    private byte* _limit;
    private byte* _origin;
    private long _number;
    private uint _seed;
    private long _nextSequence;
    private long _readTo = Unknown;
    private bool _disposed;

    internal JournalReader(JournalState state)
    {
        _state = state;
        _verify = state.Options.VerifyChecksums;
        state.Keep();
    }

    /// <summary>Whether this reader goes through much of the journal that nobody reads again soon: the disk is told ahead what comes, and
    /// the process does not keep the memory of what was read, which is mapped and counts as its own. Other readers of the same place have
    /// it again at the cost of page faults. Takes effect with the next segment. Default: false.</summary>
    public bool ReadsOnce { get; set; }

    /// <summary>Where the next record begins in the segment.</summary>
    private long Position => _at - _origin;

    /// <summary>Reads the next record; false when there is none yet.</summary>
    /// <param name="record">The record, valid until the reader is used again or disposed.</param>
    /// <exception cref="JournalException">What is there is not what was written. The reader stays before it.</exception>
    public bool TryRead(out JournalRecord record)
    {
        var at = _at;
        if (at < _limit && !_state.IsDisposed)
        {
            // The processor fetches ahead by itself, but stops where the page ends, and looks the next one up only then.
            if (Sse.IsSupported)
                Sse.Prefetch0(at + Ahead);
            var word = RecordLayout.Word(at);
            var size = RecordLayout.Size(word);
            if (RecordLayout.Kind(word) == RecordKind.Data && size <= _limit - at
                && (!_verify || RecordLayout.IsIntact(_seed, word, at)) && RecordLayout.Sequence(at) is var sequence
                && sequence >= _nextSequence)
            {
                _at = at + size;
                _readTo = sequence + 1;
                record = RecordAt(at, word);
                return true;
            }
        }

        if (TryPeek())
        {
            at = _at;
            var word = RecordLayout.Word(at);
            _at = at + RecordLayout.Size(word);
            _readTo = RecordLayout.Sequence(at) + 1;
            record = RecordAt(at, word);
            return true;
        }

        record = default;
        return false;
    }

    /// <summary>Reads the next record, and waits for it actively, on the processor, for as long as said: the shortest way from a writer
    /// to a reader, and one core less for everybody else.</summary>
    /// <param name="spin">How long at most; zero looks once.</param>
    /// <param name="record">The record, valid until the reader is used again or disposed.</param>
    /// <exception cref="JournalException">What is there is not what was written.</exception>
    public bool TryRead(TimeSpan spin, out JournalRecord record)
    {
        if (TryRead(out record))
            return true;

        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < spin)
        {
            if (SpinUntilChanged() && TryRead(out record))
                return true;
        }

        return TryRead(out record);
    }

    /// <summary>Ends reading. What it returned last is not valid any more. Not while a wait is under way: cancel that first.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;

        _disposed = true;
        Leave();
        _state.Release();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private JournalRecord RecordAt(byte* at, uint word) =>
        new(new ReadOnlySpan<byte>(at + RecordLayout.HeaderLength, RecordLayout.BodyLength(word)), RecordLayout.Timestamp(at),
            new JournalPosition(RecordLayout.Sequence(at), _number, at - _origin));

    /// <summary>Goes to the next record that a user appended and checks it; false when there is none yet.</summary>
    private bool TryPeek()
    {
        RequireReadable();
        while (_at < _limit || TryOpenWindow())
        {
            var word = RecordLayout.Word(_at);
            if (word == 0)
            {
                if (!IsClosed())
                    return false;
                continue;
            }

            // The window ends in the middle of it.
            if (RecordLayout.Size(word) > _limit - _at)
                _ = TryMoveTo(Position);
            if (_state.Unattended is not null && !IsIntact(word))
            {
                if (!TryPass(word))
                    return false;
                continue;
            }

            RequireIntact(word);
            if (RecordLayout.Kind(word) == RecordKind.End)
            {
                if (!TryEnterNext())
                    return false;
            }
            else if (RecordLayout.Kind(word) == RecordKind.Data && RecordLayout.Sequence(_at) >= _nextSequence)
                return true;
            else
                _at += RecordLayout.Size(word);
        }

        return false;
    }

    private void Skip() => _at += RecordLayout.Size(RecordLayout.Word(_at));

    // Some hundred looks at one word in memory, and then at what costs more: holes and the next segment.
    private bool SpinUntilChanged()
    {
        const int Looks = 256;
        if (_at >= _limit || RecordLayout.Word(_at) != 0)
        {
            Thread.SpinWait(Looks);
            return true;
        }

        for (var i = 0; i < Looks; i++)
        {
            if (RecordLayout.Word(_at) != 0)
                return true;
            Thread.SpinWait(1);
        }

        return IsClosed();
    }

    private void RequireReadable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _state.RequireReadable();
    }

    private bool TryOpenWindow() => _segment is null ? TryEnterNext() : TryMoveTo(Position);

    /// <summary>Goes to a position of the segment; false when the segment ends before it.</summary>
    private bool TryMoveTo(long position)
    {
        // Of a packed segment the next block takes the memory of the one before, also when it cannot be read: nothing looks at it then.
        _limit = _at;
        var window = _segment!.Open(position);
        if (!window.Contains(position))
            return false;

        _origin = window.Origin;
        _at = window.Origin + position;
        _limit = window.Origin + window.To;
        return true;
    }

    private bool TryEnterNext()
    {
        var catalog = _state.Segments.Catalog;
        for (var looks = 0; looks < MaxLooks; looks++)
        {
            // Others may have gone on by more than one, or removed some from the front.
            if (looks > 0)
                _ = catalog.Refresh();
            if (catalog.After(_number) is not { } next)
                return false;
            if (next.Number != _number + 1)
            {
                if (looks == 0)
                    continue;
                RequireNoGap(_number + 1, next.Number);
            }

            if (TryEnter(next))
                return true;
        }

        throw Missing(_number + 1);
    }

    /// <summary>Throws when a segment is missing below one that is there.</summary>
    /// <param name="expected">The number that comes first, unless it was removed.</param>
    /// <param name="found">The first number that is there, looked at before: a removal says which segment is the first before it deletes
    /// those below it.</param>
    private void RequireNoGap(long expected, long found)
    {
        expected = Math.Max(expected, _state.Segments.FirstKept);
        if (found > expected)
            throw Missing(expected);
    }

    private JournalException Missing(long number) => new(JournalErrorCode.Corrupt,
        $"Segment {number} of {_state.Directory} is missing. Restore it from a copy, or run 'comet journal repair' on the directory, which "
        + "goes on without it.") { File = _state.Directory };

    /// <summary>Goes to the start of a segment; false when it is there no more.</summary>
    private bool TryEnter(SegmentEntry entry)
    {
        if (TryOpen(entry) is not { } next)
            return false;

        var start = next.Header.Layout.DataStart;
        try
        {
            // Unpacked before the reader leaves where it stands: when that fails, it fails again the next time.
            _ = next.Open(start);
        }
        catch
        {
            next.Dispose();
            throw;
        }

        Leave();
        _segment = next;
        _number = next.Header.Number;
        _seed = next.Header.Seed;
        return TryMoveTo(start);
    }

    /// <summary>Null when the segment is there no more.</summary>
    private ISegmentReader? TryOpen(SegmentEntry entry)
    {
        try
        {
            return _state.Segments.OpenReader(entry, ReadsOnce);
        }
        catch (JournalException gone) when (gone.Code == JournalErrorCode.NotFound)
        {
            return null;
        }
    }

    private void Leave()
    {
        _segment?.Dispose();
        _segment = null;
        _at = _limit = _origin = null;
        _number = 0;
    }

    /// <summary>Nothing is published here: whether that is because a writer died, and something is now.</summary>
    /// <exception cref="JournalException">Something was here that had been made durable.</exception>
    private bool IsClosed()
    {
        if (_segment is not MappedSegmentReader { Segment: var segment })
            return false;
        if (_state.Holes is not { } holes)
            return TryPass(0);

        return holes.Look(segment, Position) switch
        {
            HoleState.Closed => true,
            HoleState.Damaged => throw Damaged(NothingThere),
            _ => false
        };
    }

    private void RequireIntact(uint word)
    {
        if (!IsIntact(word))
            throw Damaged(WrongChecksum);
    }

    private JournalException Damaged(string how) => new(JournalErrorCode.Corrupt,
        $"{_segment!.Path} is damaged at byte {Position}: {how}. Restore the file from a copy; 'comet journal verify' "
            + "shows all damage, and 'comet journal repair' keeps every whole record.")
    {
        File = _segment.Path,
        FilePosition = Position
    };
}
