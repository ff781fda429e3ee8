using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Segments;

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
    public JournalPosition Append(ReadOnlySpan<byte> payload) => Append(payload, out _);

    /// <summary>Appends a record and returns when it is as durable as asked: waits for the disk on this thread, which is the shortest way
    /// when there is one writer. Threads that wait at the same time share a flush.</summary>
    /// <param name="payload">Its bytes: none at all up to <see cref="JournalOptions.MaxRecordLength"/>.</param>
    /// <param name="durability">What it has to survive before this returns.</param>
    /// <returns>Its sequence and place.</returns>
    /// <exception cref="JournalException">As for <see cref="AppendAsync"/>.</exception>
    /// <exception cref="ObjectDisposedException">The writer or the journal is disposed.</exception>
    public JournalPosition Append(ReadOnlySpan<byte> payload, JournalDurability durability)
    {
        var position = Append(payload, out var end);
        if (durability == JournalDurability.Disk)
            _state.Flusher!.Wait(end);
        return position;
    }

    /// <summary>Appends a record and completes when it is as durable as asked. The record is in the journal, and seen by readers, when this
    /// returns; only the confirmation comes later. Confirmations come in the order of the journal.</summary>
    /// <param name="payload">Its bytes; free to be used again when this returns.</param>
    /// <param name="durability">What it has to survive before this completes.</param>
    /// <param name="cancellationToken">Ends the wait, not the append: the record stays, whether it becomes durable is not told any more.
    /// Nothing is appended when it is cancelled before.</param>
    /// <returns>Its sequence and place. Await it once.</returns>
    /// <exception cref="JournalException">It is too long, there is no room (transient), or the journal has failed: with the code
    /// <see cref="JournalErrorCode.Faulted"/> from the awaited task, whether the record is durable is unknown.</exception>
    /// <exception cref="ObjectDisposedException">The writer or the journal is disposed.</exception>
    public ValueTask<JournalPosition> AppendAsync(ReadOnlySpan<byte> payload, JournalDurability durability = JournalDurability.Disk,
        CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var position = Append(payload, out var end);
        return durability == JournalDurability.Os
            ? new ValueTask<JournalPosition>(position)
            : _state.Flusher!.WaitAsync(end, position, cancellationToken);
    }

    private JournalPosition Append(ReadOnlySpan<byte> payload, out JournalPlace end)
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
        var sequence = _cursor.FirstSequence + TailWord.Count(claim);
        _cursor.Publish(record, RecordLayout.Word(RecordKind.Data, payload.Length), timestamp, sequence, payload);
        var result = new JournalPosition(sequence, _cursor.Segment, position);
        end = new JournalPlace(result.Segment, position + size);
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
