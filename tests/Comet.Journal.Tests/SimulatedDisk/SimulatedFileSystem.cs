using Comet.Journals.FileSystem;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>
/// A disk in memory that keeps no more than it promised: what is not flushed is old, new, zero or garbage after a power cut, sector by
/// sector, and names that were not flushed are there or not. For one journal, used by one thread at a time.
/// </summary>
internal sealed class SimulatedFileSystem : IFileSystem
{
    private const int WriteBackEvery = 16;

    private static long s_sessions;

    private readonly SimulatedDirectory _directory;
    private readonly SectorGarbage _garbage;
    private readonly Random _random;

    public SimulatedFileSystem(Random random)
        : this(random, new SimulatedDirectory(), new SectorGarbage(random))
    {
    }

    private SimulatedFileSystem(Random random, SimulatedDirectory directory, SectorGarbage garbage)
    {
        _random = random;
        _directory = directory;
        _garbage = garbage;
        var session = new byte[16];
        BitConverter.TryWriteBytes(session, Interlocked.Increment(ref s_sessions));
        SessionId = new Guid(session);
    }

    public Guid SessionId { get; private init; }

    public SimulatedLocks Locks { get; } = new();

    /// <summary>How many changes and flushes there were.</summary>
    public long Operations { get; private set; }

    /// <summary>Called before each of them: the power may go here.</summary>
    public Action? BeforeOperation { get; set; }

    /// <summary>The operation at which the process ends; none of it and of what comes after is done.</summary>
    public long CutAt { get; set; } = long.MaxValue;

    /// <summary>Whether a flush of a path fails now.</summary>
    public Func<string, bool> FailsFlush { get; set; } = static _ => false;

    /// <summary>Whether flushes say that all is well and do nothing.</summary>
    public bool Lies { get; set; }

    public IReadOnlyDictionary<string, SimulatedInode> Names => _directory.Names;

    public bool DirectoryExists(string directory) => true;

    public void CreateDirectory(string directory)
    {
        // There is one.
    }

    public IReadOnlyList<string> List(string directory) =>
        [.. _directory.Names.Keys.Where(path => Path.GetDirectoryName(path) == directory).Select(static path => Path.GetFileName(path))];

    public bool Exists(string path) => _directory.Names.ContainsKey(path);

    public IJournalFile Open(string path, FileOpening opening)
    {
        if (_directory.Names.TryGetValue(path, out var inode))
        {
            return opening != FileOpening.Create
                ? new SimulatedFile(this, path, inode)
                : throw new JournalException(JournalErrorCode.StorageError, $"{path} is there already.") { File = path };
        }

        if (opening is FileOpening.Read or FileOpening.ReadWrite)
            throw new JournalException(JournalErrorCode.NotFound, $"There is no {path}.") { File = path };

        Operate();
        inode = new SimulatedInode();
        _directory.Create(path, inode);
        return new SimulatedFile(this, path, inode);
    }

    public bool TryRename(string from, string to)
    {
        Operate();
        if (Exists(to))
            return false;

        _directory.Rename(from, to);
        return true;
    }

    public void Replace(string from, string to)
    {
        Operate();
        Forget(to);
        _directory.Rename(from, to);
    }

    public void Delete(string path)
    {
        Operate();
        if (!Exists(path))
            return;

        Forget(path);
        _directory.Delete(path);
    }

    public void FlushDirectory(string directory)
    {
        Operate();
        if (FailsFlush(directory))
            throw Failed(directory);
        if (!Lies)
            _directory.Flush(directory);
    }

    public void RequireUsable(string directory)
    {
        // It is.
    }

    public void Operate()
    {
        BeforeOperation?.Invoke();
        if (++Operations > CutAt)
            throw new CutOffException();
        if (_directory.Names.Count > 0 && _random.Next(WriteBackEvery) == 0)
            _directory.Names.Values.ElementAt(_random.Next(_directory.Names.Count)).WriteSomeBack(_random);
    }

    public void Flush(string path, SimulatedInode inode, long from, long to)
    {
        Operate();
        if (FailsFlush(path))
        {
            inode.FailFlush(_random);
            throw Failed(path);
        }

        if (!Lies)
            inode.Flush(from, to);
    }

    /// <summary>All processes are killed; the machine runs on.</summary>
    public void Kill() => Locks.ReleaseAll();

    /// <summary>What all processes that are killed now leave: everything, and the machine runs on.</summary>
    public SimulatedFileSystem KillAll() =>
        new(_random, _directory.Clone(static inode => inode.Clone()), _garbage) { SessionId = SessionId };

    /// <summary>What a restart in good order leaves: everything.</summary>
    public SimulatedFileSystem Restart() => new(_random, _directory.Clone(static inode => inode.Clone()), _garbage);

    /// <summary>What one power cut, of all that are possible now, leaves.</summary>
    public SimulatedFileSystem CutPower(Random random)
    {
        var weights = Weights[random.Next(Weights.Length)];
        SectorFate Fate() => weights[random.Next(weights.Length)];
        return new SimulatedFileSystem(
            random, _directory.Crash(random, (path, inode) => inode.Crash(path, Fate, () => random.Next(2) == 0, _garbage)), _garbage);
    }

    /// <summary>Has the blocks of files that a power cut has taken come up as garbage later.</summary>
    public void RememberLost(SimulatedFileSystem left)
    {
        foreach (var path in _directory.Names.Keys.Except(left.Names.Keys))
            Forget(path);
    }

    /// <summary>Nobody uses it any more.</summary>
    public void Recycle()
    {
        foreach (var inode in _directory.Names.Values)
            inode.Recycle();
    }

    private static readonly SectorFate[][] Weights =
    [
        [SectorFate.Old],
        [SectorFate.New],
        [SectorFate.Old, SectorFate.New],
        [SectorFate.New, SectorFate.New, SectorFate.New, SectorFate.Old, SectorFate.Zero, SectorFate.Garbage],
        [SectorFate.Old, SectorFate.New, SectorFate.Zero, SectorFate.Garbage],
        [SectorFate.New, SectorFate.Garbage]
    ];

    private void Forget(string path)
    {
        if (_directory.Names.TryGetValue(path, out var inode) && inode.Length > 0)
            _garbage.Remember(path, inode.Content);
    }

    private static JournalException Failed(string path) =>
        new(JournalErrorCode.StorageError, $"Flushing {path} failed: Input/output error.") { File = path };
}
