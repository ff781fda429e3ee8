using System.Diagnostics.CodeAnalysis;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Comet.Server.Storage.Local;

/// <summary>Writes the metadata on a thread of its own: what has gathered while the disk was busy goes into one transaction. When the disk
/// is full, it waits for room and goes on; any other failure is for good.</summary>
internal sealed class MetadataWriter : IDisposable
{
    private static readonly TimeSpan s_fullPause = TimeSpan.FromMilliseconds(250);

    private readonly SqliteConnection _connection;
    private readonly MetadataCommands _commands;
    private readonly Func<bool> _makeRoom;
    private readonly ILogger _logger;
    private readonly object _gate = new();
    private readonly Thread _thread;
    private List<Change> _gathered = [];
    private bool _isClosing;
    private bool _isFull;

    // Written by the thread, read by whoever adds.
    private volatile Exception? _fault;

    /// <param name="file">The file.</param>
    /// <param name="makeRoom">Makes some room on a full disk; false when there is none to make.</param>
    /// <param name="logger">Told what fails.</param>
    public MetadataWriter(MetadataFile file, Func<bool> makeRoom, ILogger logger)
    {
        _makeRoom = makeRoom;
        _connection = file.Connect();
        _commands = new MetadataCommands(_connection);
        _logger = logger;
        _thread = new Thread(Run) { IsBackground = true, Name = "Comet metadata" };
        _thread.Start();
    }

    /// <summary>Has something written.</summary>
    /// <param name="write">What; null to be told only when all before is durable.</param>
    /// <param name="saved">Called on the thread pool when it is durable, with null, or with what went wrong.</param>
    public void Add(Action<MetadataCommands>? write, Action<Exception?>? saved = null)
    {
        lock (_gate)
        {
            if (_fault is null && !_isClosing)
            {
                _gathered.Add(new(write, saved));
                Monitor.Pulse(_gate);
                return;
            }
        }
        Tell(saved, _fault ?? new ObjectDisposedException(nameof(MetadataWriter)));
    }

    /// <summary>Writes what has gathered, and ends.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isClosing = true;
            Monitor.Pulse(_gate);
        }
        _thread.Join();
        _commands.Dispose();
        _connection.Dispose();
    }

    private static void Tell(Action<Exception?>? saved, Exception? failure)
    {
        // Not on this thread: what is told may go on to wait for the next save.
        if (saved is not null)
            ThreadPool.UnsafeQueueUserWorkItem(static told => told.saved(told.failure), (saved, failure), preferLocal: false);
    }

    private void Run()
    {
        var changes = new List<Change>();
        while (TryTake(ref changes))
        {
            while (!TryWrite(changes) && WaitForRoom())
            {
            }
            foreach (var change in changes)
                Tell(change.Saved, _fault);
            changes.Clear();
        }
    }

    private bool TryTake(ref List<Change> changes)
    {
        lock (_gate)
        {
            while (_gathered.Count == 0)
            {
                if (_isClosing)
                    return false;
                Monitor.Wait(_gate);
            }
            (changes, _gathered) = (_gathered, changes);
            return true;
        }
    }

    /// <summary>False when there is no room; they are to be written again then.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever went wrong is told to those that wait.")]
    private bool TryWrite(List<Change> changes)
    {
        if (_fault is not null)
            return true;
        try
        {
            if (changes.TrueForAll(static change => change.Write is null))
                return true;
            _commands.Begin();
            try
            {
                foreach (var change in changes)
                    change.Write?.Invoke(_commands);
                _commands.Commit();
            }
            catch
            {
                TryRollback();
                throw;
            }
            _isFull = false;
            return true;
        }
        catch (SqliteException full) when (full.SqliteErrorCode == MetadataFile.DiskFull)
        {
            if (!_isFull)
                LocalLog.DiskFull(_logger, full);
            _isFull = true;
            return false;
        }
        catch (Exception e)
        {
            _fault = e;
            LocalLog.MetadataFailed(_logger, e);
            return true;
        }
    }

    // Some errors have rolled back already.
    private void TryRollback()
    {
        try
        {
            _commands.Rollback();
        }
        catch (SqliteException e)
        {
            LocalLog.RollbackFailed(_logger, e);
        }
    }

    /// <summary>Pauses; false when the broker is closing, which does not wait for room.</summary>
    private bool WaitForRoom()
    {
        if (_makeRoom())
            return true;
        lock (_gate)
        {
            if (!_isClosing)
                Monitor.Wait(_gate, s_fullPause);
            if (!_isClosing)
                return true;
        }
        _fault ??= new IOException("The disk was full when the broker was closed.");
        return false;
    }

    private readonly record struct Change(Action<MetadataCommands>? Write, Action<Exception?>? Saved);
}

internal static partial class LocalLog
{
    [LoggerMessage(2301, LogLevel.Error,
        "The disk is full: producers are refused until there is room; acks are taken as long as they can be")]
    public static partial void DiskFull(ILogger logger, Exception exception);

    [LoggerMessage(2308, LogLevel.Error, "There is no room for the ballast in {Path}: producers are refused until there is")]
    public static partial void NoBallast(ILogger logger, string path);

    [LoggerMessage(2302, LogLevel.Critical,
        "The metadata cannot be written any more; whatever wants to be saved is refused until a restart")]
    public static partial void MetadataFailed(ILogger logger, Exception exception);

    [LoggerMessage(2303, LogLevel.Debug, "A transaction of the metadata had ended already")]
    public static partial void RollbackFailed(ILogger logger, Exception exception);

    [LoggerMessage(2304, LogLevel.Error,
        "The metadata in {Path} cannot be used ({Reason}); what was there of it is kept as {Aside}. Topics and partitions are made "
        + "from the journals")]
    public static partial void MetadataLost(ILogger logger, string path, string reason, string aside);

    [LoggerMessage(2305, LogLevel.Error,
        "Topic {Topic} was made from its journals: it has {Partitions} partition(s) as far as they tell, no policy, and no subscriptions; "
        + "messages that a subscription had not acked are there, and a new subscription from the earliest on gets them")]
    public static partial void TopicRebuilt(ILogger logger, string topic, int partitions);

    [LoggerMessage(2306, LogLevel.Warning, "The directory {Path} belongs to no topic; it is left alone")]
    public static partial void Orphan(ILogger logger, string path);

    [LoggerMessage(2309, LogLevel.Warning,
        "Older messages in {Directory} cannot be compressed, encrypted or moved; it is tried again. {Reason}")]
    public static partial void SegmentsNotKept(ILogger logger, string directory, string reason);

    [LoggerMessage(2310, LogLevel.Error, "Looking after older messages failed; it is tried again")]
    public static partial void UpkeepFailed(ILogger logger, Exception exception);

    [LoggerMessage(2307, LogLevel.Warning, "The files of a deleted topic in {Path} cannot be removed; the next start tries again")]
    public static partial void NotRemoved(ILogger logger, string path, Exception exception);

    [LoggerMessage(2311, LogLevel.Error,
        "Partition {Partition} of topic {Topic} ends before message {End}, and more was known of it: of messages behind that, some were "
        + "acked or moved. A power cut takes those of a topic that does not wait for the disk; otherwise files of {Directory} are missing: "
        + "put them back before more is written, or restore a backup")]
    public static partial void LogIsShort(ILogger logger, string topic, int partition, long end, string directory);

    [LoggerMessage(2312, LogLevel.Warning,
        "This process may have {Limit} files open: at most {Partitions} partitions have theirs open at the same time, instead of {Wanted}. "
        + "Raise the limit (ulimit -n), or lower MaxOpenPartitions")]
    public static partial void FewFiles(ILogger logger, long limit, int partitions, int wanted);
}
