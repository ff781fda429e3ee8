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

    /// <summary>The sequence of the first record that is kept; when there is none, that of the next one.</summary>
    public long FirstSequence
    {
        get
        {
            using var reader = CreateReader();
            return reader.PeekSequence();
        }
    }

    /// <summary>The sequence of the last record that can be read now; when there is none, one less than
    /// <see cref="FirstSequence"/>.</summary>
    public long LastSequence
    {
        get
        {
            using var reader = CreateReader(JournalStart.End);
            return reader.PeekSequence() - 1;
        }
    }

    internal JournalState State => _state;

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

    /// <summary>Makes a writer, for one thread at a time.</summary>
    /// <exception cref="JournalException">All places for writers are taken, or the journal is only read.</exception>
    public JournalWriter CreateWriter() => new(_state);

    /// <summary>Makes a reader, for one thread at a time.</summary>
    /// <param name="start">Where it begins; the first record that is kept when left out. What is not there is dealt with as
    /// <see cref="JournalSeekResult"/> says.</param>
    public JournalReader CreateReader(JournalStart start = default)
    {
        var reader = new JournalReader(_state);
        try
        {
            if (start != JournalStart.First)
                _ = reader.Seek(start);
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>How many records there are from one sequence up to, not including, another, as far as they are kept and can be read now.
    /// Sequences that dead writers left out are counted, too: it is at most that many.</summary>
    /// <param name="from">The first sequence that is counted.</param>
    /// <param name="to">The first that is not; all there are when left out.</param>
    public long Count(long from = 0, long to = long.MaxValue) =>
        Math.Max(0, Math.Min(to, LastSequence + 1) - Math.Max(from, FirstSequence));

    /// <summary>Closes the journal here. Its writers and readers refuse to go on; dispose them too.</summary>
    public void Dispose() => _state.Dispose();
}
