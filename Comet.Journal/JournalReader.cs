using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals;

/// <summary>Reads a journal's records in order. For one thread at a time; any number of readers read the same journal, each all of
/// it.</summary>
/// <remarks>What it returns is valid until it is used again or disposed.</remarks>
public sealed unsafe class JournalReader : IDisposable
{
    private readonly JournalState _state;
    private readonly bool _verify;
    private ISegmentReader? _segment;
    private SegmentWindow _window;
    private uint _seed;
    private long _position;
    private long _nextSequence;
    private bool _disposed;

    internal JournalReader(JournalState state)
    {
        _state = state;
        _verify = state.Options.VerifyChecksums;
        state.Keep();
    }

    /// <summary>Reads the next record; false when there is none yet.</summary>
    /// <param name="record">The record, valid until the reader is used again or disposed.</param>
    /// <exception cref="JournalException">What is there is not what was written, or the journal has failed.</exception>
    public bool TryRead(out JournalRecord record)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _state.RequireReadable();
        while (_window.Contains(_position) || TryOpenWindow())
        {
            var at = _window.Origin + _position;
            var word = RecordLayout.Word(at);
            if (word == 0)
            {
                if (!IsClosed())
                    break;
                continue;
            }

            RequireIntact(word, at);
            if (RecordLayout.Kind(word) == RecordKind.Data && RecordLayout.Sequence(at) is var sequence && sequence >= _nextSequence)
            {
                record = new JournalRecord(new ReadOnlySpan<byte>(at + RecordLayout.HeaderLength, RecordLayout.BodyLength(word)),
                    RecordLayout.Timestamp(at), new JournalPosition(sequence, _segment!.Header.Number, _position));
                _position += RecordLayout.Size(word);
                _nextSequence = sequence + 1;
                return true;
            }

            if (RecordLayout.Kind(word) != RecordKind.End)
                _position += RecordLayout.Size(word);
            else if (!TryEnter(_state.Segments.Catalog.After(_segment!.Header.Number)))
                break;
        }

        record = default;
        return false;
    }

    /// <summary>Ends reading. What it returned last is not valid any more.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;

        _disposed = true;
        _segment?.Dispose();
        _state.Release();
    }

    private bool TryOpenWindow()
    {
        if (_segment is null && !TryEnter(_state.Segments.Catalog.After(0)))
            return false;

        _window = _segment!.Open(_position);
        return true;
    }

    private bool TryEnter(SegmentEntry? entry)
    {
        if (entry is null)
            return false;

        var next = _state.Segments.OpenReader(entry);
        _segment?.Dispose();
        _segment = next;
        _seed = next.Header.Seed;
        _position = next.Header.Layout.DataStart;
        _window = next.Open(_position);
        return true;
    }

    /// <summary>Nothing is published here: whether that is because a writer died, and something is now.</summary>
    private bool IsClosed() => _segment is MappedSegmentReader { Segment: var segment } && _state.Holes is { } holes
        && holes.Look(segment, _position) == HoleState.Closed;

    private void RequireIntact(uint word, byte* at)
    {
        if (RecordLayout.IsPlausible(word, _window.To - _position) && (!_verify || RecordLayout.IsIntact(_seed, word, at)))
            return;

        throw new JournalException(JournalErrorCode.Corrupt,
            $"{_segment!.Path} is damaged at byte {_position}: the checksum of the record there is wrong. Restore the file from a copy; "
            + "'comet journal verify' shows all damage.")
        {
            File = _segment.Path,
            FilePosition = _position
        };
    }
}
