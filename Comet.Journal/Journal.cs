using Comet.Journals.Control;

namespace Comet.Journals;

/// <summary>A durable journal of records in a directory, written and read by many threads and processes at once.</summary>
/// <remarks>Thread-safe. Every reader sees every record, all in the same order. The directory must be on a local file system.</remarks>
public sealed class Journal : IDisposable
{
    private readonly JournalState _state;

    private Journal(JournalState state) => _state = state;

    /// <summary>The directory the journal is in, as an absolute path.</summary>
    public string DirectoryPath => _state.Directory;

    /// <summary>The options in force: the stored ones, and those given here that concern only this opener.</summary>
    public JournalOptions Options => _state.Options;

    /// <summary>Opens a journal, and creates it when there is none. Whoever opens it when nobody else has it open recovers it first from
    /// whatever ended its last use.</summary>
    /// <param name="directory">Where it is or is to be. Nothing else should be in there.</param>
    /// <param name="options">How; the defaults when left out.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="JournalException">It is in use, damaged, of an unknown format, or on a network file system.</exception>
    public static Journal Open(string directory, JournalOptions? options = null) => Open(JournalEnvironment.Default, directory, options);

    internal static Journal Open(JournalEnvironment environment, string directory, JournalOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        return new Journal(JournalOpener.Open(environment, directory, (options ?? new JournalOptions()).Validated()));
    }

    /// <summary>Whether a write or a flush has failed, here or in another process: see <see cref="Fault"/>.</summary>
    public bool IsFaulted => Fault is not null;

    /// <summary>Why the journal refuses to go on, with the code <see cref="JournalErrorCode.Faulted"/>; null as long as it does
    /// not. It never becomes null again: the journal has to be closed in every process and opened again.</summary>
    public JournalException? Fault => _state.Fault;

    /// <summary>Completes when everything that was appended before, by anybody, is durable (<see
    /// cref="JournalDurability.Disk"/>).</summary>
    /// <param name="cancellationToken">Ends the wait; the flush goes on.</param>
    /// <exception cref="JournalException">The flush failed: whether what was appended is durable is unknown.</exception>
    /// <exception cref="ObjectDisposedException">The journal is disposed.</exception>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        _state.RequireUsable();
        return _state.Flusher is { } flusher ? flusher.WaitAsync(cancellationToken) : ValueTask.CompletedTask;
    }

    /// <summary>Makes a writer, for one thread at a time.</summary>
    /// <exception cref="JournalException">All places for writers are taken, or the journal is only read.</exception>
    public JournalWriter CreateWriter() => new(_state);

    /// <summary>Makes a reader, for one thread at a time, that begins with the first record.</summary>
    public JournalReader CreateReader() => new(_state);

    /// <summary>Flushes what was appended, and closes the journal here; waits for the disk. Its writers and readers refuse to go on;
    /// dispose them too.</summary>
    public void Dispose() => _state.Dispose();
}
