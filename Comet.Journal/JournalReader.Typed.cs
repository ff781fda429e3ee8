using System.Runtime.CompilerServices;

namespace Comet.Journals;

/// <summary>Reads values. For one thread at a time.</summary>
/// <typeparam name="T">The values.</typeparam>
public sealed class JournalReader<T> : IDisposable
{
    private readonly IJournalSerializer<T> _serializer;

    /// <summary>Creates one that reads through a reader, which it disposes.</summary>
    public JournalReader(JournalReader reader, IJournalSerializer<T> serializer)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(serializer);
        Reader = reader;
        _serializer = serializer;
    }

    /// <summary>What it reads through: to seek and to wait.</summary>
    public JournalReader Reader { get; }

    /// <summary>Reads the next value; false when there is none yet.</summary>
    /// <param name="entry">The value, to be kept as long as one likes.</param>
    /// <exception cref="JournalException">What is there is not what was written.</exception>
    public bool TryRead(out JournalEntry<T> entry)
    {
        if (!Reader.TryRead(out var record))
        {
            entry = default;
            return false;
        }

        entry = new JournalEntry<T>(_serializer.Deserialize(record.Payload), record.Timestamp, record.Position);
        return true;
    }

    /// <summary>Reads all values from where the reader stands and waits for more, until it is cancelled.</summary>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="JournalException">What is there is not what was written.</exception>
    public async IAsyncEnumerable<JournalEntry<T>> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await Reader.WaitAsync(cancellationToken);
            if (TryRead(out var entry))
                yield return entry;
        }
    }

    /// <summary>Disposes the reader.</summary>
    public void Dispose() => Reader.Dispose();
}
