using System.Runtime.CompilerServices;
using Comet.Journals.Reading;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals;

public sealed partial class JournalReader
{
    private WaitingReader? _wait;

    /// <summary>Waits until there is a next record, asleep: no thread is held and no processor used. A writer in any process wakes
    /// it. Where the system has no futex, and in a journal that is only read, it looks again every few milliseconds instead.</summary>
    /// <param name="cancellationToken">Ends the wait; the reader stays where it is and can be used again.</param>
    /// <exception cref="ObjectDisposedException">The journal was closed, here, before or during the wait.</exception>
    /// <exception cref="JournalException">What is there is not what was written.</exception>
    public ValueTask WaitAsync(CancellationToken cancellationToken = default) =>
        TryPeek() ? ValueTask.CompletedTask : WaitForNextAsync(cancellationToken);

    /// <summary>Reads all records from where the reader stands and waits for more, until it is cancelled.</summary>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The records. The bytes of each are valid until the next is asked for.</returns>
    /// <exception cref="ObjectDisposedException">The journal was closed.</exception>
    /// <exception cref="JournalException">What is there is not what was written.</exception>
    public async IAsyncEnumerable<JournalEntry<ReadOnlyMemory<byte>>> ReadAllAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await WaitAsync(cancellationToken);
            if (TryReadEntry(out var entry))
                yield return entry;
        }
    }

    /// <summary>As <see cref="TryRead(out JournalRecord)"/>, in a form that can be kept in a field; the bytes are valid as long.</summary>
    internal unsafe bool TryReadEntry(out JournalEntry<ReadOnlyMemory<byte>> entry)
    {
        if (!TryPeek())
        {
            entry = default;
            return false;
        }

        var length = RecordLayout.BodyLength(RecordLayout.Word(_at));
        entry = new JournalEntry<ReadOnlyMemory<byte>>(
            _segment!.Slice(Position + RecordLayout.HeaderLength, length), UnixTicks.ToTime(RecordLayout.Timestamp(_at)),
            new JournalPosition(RecordLayout.Sequence(_at), _number, Position));
        _readTo = entry.Sequence + 1;
        Skip();
        return true;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitForNextAsync(CancellationToken cancellationToken)
    {
        _wait ??= new WaitingReader(_state);
        do
        {
            await _wait.WaitAsync(FindWaitTarget(), cancellationToken);
        }
        while (!TryPeek());
    }

    /// <summary>Where it becomes visible that there is something to read; nowhere, and it is looked again now and then, where only a look
    /// at the journal can tell: behind an end mark, and at a tail that was torn.</summary>
    internal unsafe WaitTarget FindWaitTarget()
    {
        if (_segment is not MappedSegmentReader { Segment: var segment } || _at >= _limit)
            return default;

        var word = RecordLayout.Word(_at);
        return RecordLayout.Kind(word) == RecordKind.End || (word != 0 && _end == (_number, Position, word))
            ? default
            : new WaitTarget(_at, segment, Position);
    }
}
