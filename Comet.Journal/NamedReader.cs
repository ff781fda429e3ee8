using Comet.Journals.Control;
using Comet.Journals.Places;
using Comet.Journals.Records;

namespace Comet.Journals;

/// <summary>A reader with a name under which the journal remembers its place. The place moves only when it is told to: who stops before
/// that reads the same records again. At any time one process has a name open. For one thread at a time.</summary>
public sealed class NamedReader : IDisposable
{
    private readonly PlaceFile _file;
    private readonly TimeProvider _time;
    private bool _disposed;

    internal NamedReader(JournalState state, string name, JournalReader reader, PlaceFile file)
    {
        Name = name;
        Reader = reader;
        _file = file;
        _time = state.Options.TimeProvider;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Reads, from the place on. Seeking is allowed and does not move the place.</summary>
    public JournalReader Reader { get; }

    /// <summary>The first sequence that has not been dealt with: where a later reader of this name begins.</summary>
    public long NextSequence
    {
        get
        {
            Span<long> values = stackalloc long[PlaceFile.ValueCount];
            _file.Read(values);
            return ReaderPlace.From(values).NextSequence;
        }
    }

    /// <summary>Moves the place to where <see cref="Reader"/> stands: all that it has returned is dealt with. Survives the end of the
    /// process, not a power cut.</summary>
    /// <exception cref="JournalException">The place could not be written.</exception>
    public void Commit() => Write(Reader.GetPlace());

    /// <summary>Moves the place behind a record: it and all before it are dealt with. It may move back, too. Survives the end of the
    /// process,
    /// not a power cut.</summary>
    /// <exception cref="JournalException">The record is not kept any more, or the place could not be written.</exception>
    public void Commit(JournalPosition done) => Write(Reader.GetPlaceAfter(done));

    /// <summary>As <see cref="Commit()"/>, and completes when the place is safe from a power cut.</summary>
    /// <param name="cancellationToken">Only for the wait: the place has moved.</param>
    /// <exception cref="JournalException">The place could not be written or flushed; close this reader and open it again.</exception>
    public ValueTask CommitAsync(CancellationToken cancellationToken = default)
    {
        Commit();
        return new ValueTask(Task.Run(_file.Flush, cancellationToken));
    }

    /// <summary>As <see cref="Commit(JournalPosition)"/>, and completes when the place is safe from a power cut.</summary>
    /// <param name="done">The last record that is dealt with.</param>
    /// <param name="cancellationToken">Only for the wait: the place has moved.</param>
    /// <exception cref="JournalException">The place could not be written or flushed; close this reader and open it again.</exception>
    public ValueTask CommitAsync(JournalPosition done, CancellationToken cancellationToken = default)
    {
        Commit(done);
        return new ValueTask(Task.Run(_file.Flush, cancellationToken));
    }

    /// <summary>Gives the name to others. The place stays what was committed last.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;

        _disposed = true;
        Reader.Dispose();
        _file.Dispose();
    }

    private void Write(ReaderPlace place)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        Span<long> values = stackalloc long[PlaceFile.ValueCount];
        (place with { Time = UnixTicks.Of(_time.GetUtcNow()) }).CopyTo(values);
        _file.Write(values);
    }
}
