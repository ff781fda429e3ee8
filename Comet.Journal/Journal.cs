using Comet.Journals.Control;
using Comet.Journals.Copying;
using Comet.Journals.FileSystem;
using Comet.Journals.Maintenance;
using Comet.Journals.Reading;
using Comet.Journals.Verification;

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

    /// <summary>Reads everything in a journal that carries a promise, and changes nothing. Works while other processes write; what they
    /// append
    /// meanwhile need not be looked at.</summary>
    /// <param name="directory">Where the journal is.</param>
    /// <param name="keys">Gives the keys of encrypted segments.</param>
    /// <param name="progress">Told how far it is, segment by segment.</param>
    /// <param name="cancellationToken">Ends it between two segments.</param>
    /// <returns>All damage that there is; records that a crash took before they were confirmed as durable are none.</returns>
    /// <exception cref="JournalException">There is no journal, or it is of an unknown format, or encrypted with another key, or cannot be
    /// read.</exception>
    public static JournalVerification Verify(string directory, IJournalKeyProvider? keys = null,
        IProgress<JournalProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        return new JournalInspector(FileSystems.Default, Path.GetFullPath(directory), keys, isOurs: false)
            .Run(progress, cancellationToken).Report;
    }

    /// <summary>Makes a damaged journal one that can be opened again, and keeps every record that is whole. Nothing is deleted: what is
    /// replaced is kept under another name. A journal without damage is left as it is.</summary>
    /// <param name="directory">Where the journal is.</param>
    /// <param name="dryRun">Whether only to tell what would be done.</param>
    /// <param name="keys">Gives the keys of encrypted segments. A damaged one of those is not written again: it would be in the
    /// clear.</param>
    /// <param name="progress">Told how far the look at it is, segment by segment.</param>
    /// <param name="cancellationToken">Ends it before the first change; not later.</param>
    /// <returns>What was lost and what was changed.</returns>
    /// <exception cref="JournalException">Somebody has it open, or there is none, or it is of an unknown format, or there is no room to
    /// keep the damaged files.</exception>
    public static JournalRepair Repair(string directory, bool dryRun = false, IJournalKeyProvider? keys = null,
        IProgress<JournalProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        return new JournalRepairer(JournalEnvironment.Default, Path.GetFullPath(directory), keys, dryRun).Run(progress, cancellationToken);
    }

    /// <summary>Copies a journal to another directory, also while others write it: the copy has everything that was appended before, and
    /// maybe some that was appended meanwhile. It is a journal of its own, durable, with all segments in its directory, and is recovered by
    /// whoever opens it first. Encrypted segments stay encrypted; no key is needed.</summary>
    /// <param name="directory">Where the journal is.</param>
    /// <param name="target">Where the copy is to be: an empty directory, or none.</param>
    /// <param name="link">Whether sealed segments may become hard links, where both are on one file system: that takes no time and no room,
    /// and the same blocks of the disk are in both then.</param>
    /// <param name="cancellationToken">Ends it early; the target has to be deleted then, as after an error.</param>
    /// <exception cref="JournalException">There is no journal, the target is not empty, the end of the journal is damaged, or a file cannot
    /// be read or written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static JournalCopy Copy(string directory, string target, bool link = true, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentException.ThrowIfNullOrEmpty(target);
        using var source = Open(directory, new JournalOptions { Access = JournalAccess.ReadOnly });
        return new JournalCopier(JournalEnvironment.Default, source._state, Path.GetFullPath(target), link, cancellationToken).Run();
    }

    /// <summary>Deletes a journal with everything in its directory, and its segments in other folders. Nothing happens when there is
    /// none. When it is cut off, it can be run again.</summary>
    /// <param name="directory">Where the journal is.</param>
    /// <exception cref="JournalException">Somebody has it open, or where its older segments are cannot be read.</exception>
    /// <exception cref="IOException">A file cannot be deleted.</exception>
    public static void Delete(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        JournalRemoval.Run(FileSystems.Default, Path.GetFullPath(directory));
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
        return _state.WhileOpen(() =>
        {
            _state.RequireFaultless();
            return _state.Flusher is { } flusher ? flusher.WaitAsync(cancellationToken) : ValueTask.CompletedTask;
        });
    }

    /// <summary>As <see cref="FlushAsync"/>, on the caller's thread, which waits for the disk: the shortest way when nobody else has
    /// something to flush. Threads that wait at the same time share a flush.</summary>
    /// <exception cref="JournalException">The flush failed: whether what was appended is durable is unknown.</exception>
    /// <exception cref="ObjectDisposedException">The journal is disposed.</exception>
    public void Flush()
    {
        _state.Keep();
        try
        {
            _state.RequireFaultless();
            _state.Flusher?.Wait();
        }
        finally
        {
            _state.Release();
        }
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

    /// <summary>Opens the reader of a name, and creates it when there is none.</summary>
    /// <param name="name">Its name: up to 100 letters a to z of any case, digits, '-', '_' and '.', of which the first is a letter or a
    /// digit. Names should differ by more than case.</param>
    /// <param name="start">Where it begins when it is created; the first record that is kept when left out.</param>
    /// <exception cref="ArgumentException">The name is none.</exception>
    /// <exception cref="JournalException">It is open already (<see cref="JournalErrorCode.ReaderInUse"/>), its place is damaged, or the
    /// journal was opened to be read only.</exception>
    public NamedReader OpenReader(string name, JournalStart start = default) => _state.Readers.Open(name, start);

    /// <summary>Tells what named readers there are, in the order of their names.</summary>
    /// <exception cref="JournalException">The place of one is damaged.</exception>
    public IReadOnlyList<NamedReaderInfo> GetReaders()
    {
        _state.RequireReadable();
        return _state.Readers.List();
    }

    /// <summary>Forgets a named reader and its place.</summary>
    /// <returns>Whether there was one of that name.</returns>
    /// <exception cref="JournalException">It is open, or the journal was opened to be read only.</exception>
    public bool DeleteReader(string name) => _state.WhileOpen(() => _state.Readers.Delete(name));

    /// <summary>Removes whole segments from the front: those all of whose records are before a sequence. The last segment always stays.
    /// Readers in the middle of a removed one read it to its end. Durable when it returns.</summary>
    /// <param name="sequence">The first record that has to stay.</param>
    /// <param name="ignoreNamedReaders">Whether records that a named reader has not dealt with may go, too. It goes on with the first
    /// that is kept then.</param>
    /// <returns>How many segments were removed.</returns>
    /// <exception cref="JournalException">The place of a named reader is damaged, somebody else does the same for a long time, or the
    /// journal
    /// was opened to be read only.</exception>
    public int TruncateBefore(long sequence, bool ignoreNamedReaders = false) =>
        _state.WhileOpen(() => _state.Truncation.Run(sequence, ignoreNamedReaders));

    /// <summary>Tells what segments there are, in order, and in which form.</summary>
    /// <exception cref="JournalException">A folder or a file cannot be read.</exception>
    public IReadOnlyList<JournalSegmentInfo> GetSegments()
    {
        _state.RequireReadable();
        return SegmentList.Of(_state.Segments);
    }

    /// <summary>Compresses, encrypts, moves and removes old segments now, on the caller's thread, whatever the background does. Waits for
    /// other processes that are at it. Only segments are dealt with that are durable, with the beginning of the one behind them:
    /// flush before, to have all that were begun.</summary>
    /// <param name="maintenance">What to do; when left out, what <see cref="JournalOptions.Maintenance"/> says.</param>
    /// <param name="progress">Told, on this thread, how far it is.</param>
    /// <param name="cancellationToken">Ends it early; every segment is whole, in the old form or the new one.</param>
    /// <returns>What was done, and what could not be done.</returns>
    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    /// <exception cref="JournalException">The journal has failed or was opened to be read only, or another process is at it for a long
    /// time.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled, or the journal was closed.</exception>
    public JournalMaintenanceResult RunMaintenance(JournalMaintenance? maintenance = null,
        IProgress<JournalMaintenanceProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        _ = _state.RequireGates();
        var options = (maintenance ?? _state.Options.Maintenance ?? new JournalMaintenance()).Validated(_state.Options.Keys);
        return _state.WhileOpen(() => _state.Upkeep!.Run(options, progress, cancellationToken));
    }

    /// <summary>Replays a part of the journal: the same records, bytes and times in the same order each time, and then it ends.</summary>
    /// <param name="replay">What and how fast; all there is now, at once, when left out.</param>
    /// <returns>The records. The bytes of each are valid until the next is asked for.</returns>
    /// <exception cref="ArgumentException">A value of <paramref name="replay"/> is out of its range.</exception>
    public IAsyncEnumerable<JournalEntry<ReadOnlyMemory<byte>>> ReplayAsync(JournalReplay? replay = null) =>
        Replayer.RunAsync(this, (replay ?? new JournalReplay()).Validated());

    /// <summary>All values from a start and those to come, as an observable: each subscription reads with a reader of its own, on the
    /// thread pool, one value after another. It completes when the journal is closed here.</summary>
    /// <param name="serializer">Makes the values.</param>
    /// <param name="start">Where each subscription begins; the first record that is kept when left out.</param>
    /// <typeparam name="T">The values.</typeparam>
    public IObservable<JournalEntry<T>> AsObservable<T>(IJournalSerializer<T> serializer, JournalStart start = default)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        return new JournalObservable<T>(() => new JournalReader<T>(CreateReader(start), serializer));
    }

    /// <summary>Makes a writer of values, for one thread at a time.</summary>
    /// <exception cref="JournalException">All places for writers are taken, or the journal is only read.</exception>
    public JournalWriter<T> CreateWriter<T>(IJournalSerializer<T> serializer) => new(CreateWriter(), serializer);

    /// <summary>Makes a reader of values, for one thread at a time.</summary>
    /// <param name="serializer">Makes the values.</param>
    /// <param name="start">Where it begins; the first record that is kept when left out.</param>
    /// <typeparam name="T">The values.</typeparam>
    public JournalReader<T> CreateReader<T>(IJournalSerializer<T> serializer, JournalStart start = default) =>
        new(CreateReader(start), serializer);

    /// <summary>Flushes what was appended, and closes the journal here; waits for the disk. Its writers and readers refuse to go on;
    /// dispose them too.</summary>
    public void Dispose() => _state.Dispose();
}
