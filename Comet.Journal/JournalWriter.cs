using Comet.Journals.Control;
using Comet.Journals.Records;

namespace Comet.Journals;

/// <summary>Appends records. For one thread at a time: give each thread a writer of its own; they never wait for each other.</summary>
/// <remarks>A record that was appended survives the end of the process, however it comes. Whether it survives a power cut is a matter of
/// durability.</remarks>
public sealed unsafe partial class JournalWriter : IDisposable
{
    private readonly JournalState _state;
    private readonly ClaimCursor _cursor;
    private bool _disposed;

    internal JournalWriter(JournalState state)
    {
        _state = state;
        state.Keep();
        try
        {
            _cursor = new ClaimCursor(state);
        }
        catch
        {
            state.Release();
            throw;
        }
    }

    /// <summary>Appends a record.</summary>
    /// <param name="payload">Its bytes: none at all up to <see cref="JournalOptions.MaxRecordLength"/>.</param>
    /// <returns>Its sequence and place.</returns>
    /// <exception cref="JournalException">It is too long, there is no room (transient), or the journal has failed.</exception>
    /// <exception cref="ObjectDisposedException">The writer or the journal is disposed.</exception>
    public JournalPosition Append(ReadOnlySpan<byte> payload)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (payload.Length > _cursor.MaxRecordLength)
            throw TooLarge(payload.Length);

        var size = RecordLayout.Size(payload.Length);
        var claim = _cursor.Claim(size, 1, out var timestamp);
        var position = TailWord.Position(claim);
        var record = _cursor.Start + position;
        // The last word first: it holds the padding.
        *(ulong*)(record + size - sizeof(ulong)) = 0;
        payload.CopyTo(new Span<byte>(record + RecordLayout.HeaderLength, payload.Length));
        var sequence = _cursor.FirstSequence + TailWord.Count(claim);
        _cursor.Publish(record, RecordLayout.Word(RecordKind.Data, payload.Length), timestamp, sequence);
        var result = new JournalPosition(sequence, _cursor.Segment, position);
        _cursor.Complete(claim, size, 1);
        return result;
    }

    /// <summary>Gives the writer's place to others. Nothing that was appended is lost by it.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;

        _disposed = true;
        _cursor.Dispose();
        _state.Release();
    }

    private JournalException TooLarge(int length) => new(JournalErrorCode.RecordTooLarge,
        $"The record has {length} bytes; this journal takes records of up to {_cursor.MaxRecordLength} bytes "
        + $"({nameof(JournalOptions.MaxRecordLength)}). Split it.");
}
