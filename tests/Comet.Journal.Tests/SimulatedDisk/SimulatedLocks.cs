using Comet.Journals.FileSystem;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>The locks of single bytes, each held by open files.</summary>
internal sealed class SimulatedLocks
{
    private readonly List<Held> _held = [];

    public bool TryLock(SimulatedFile file, long position, bool exclusive)
    {
        lock (_held)
        {
            if (_held.Exists(each => each.IsAt(file, position) && each.File != file && (exclusive || each.Exclusive)))
                return false;

            _held.RemoveAll(each => each.IsAt(file, position) && each.File == file);
            _held.Add(new Held(file, position, exclusive));
            return true;
        }
    }

    public void Unlock(SimulatedFile file, long position)
    {
        lock (_held)
            _held.RemoveAll(each => each.IsAt(file, position) && each.File == file);
    }

    public bool IsLockedByOther(SimulatedFile file, long position)
    {
        lock (_held)
            return _held.Exists(each => each.IsAt(file, position) && each.File != file);
    }

    /// <summary>A file is closed.</summary>
    public void Release(IJournalFile file)
    {
        lock (_held)
            _held.RemoveAll(each => ReferenceEquals(each.File, file));
    }

    /// <summary>All processes are killed.</summary>
    public void ReleaseAll()
    {
        lock (_held)
            _held.Clear();
    }

    private sealed record Held(SimulatedFile File, long Position, bool Exclusive)
    {
        public bool IsAt(SimulatedFile file, long position) => Position == position && ReferenceEquals(File.Inode, file.Inode);
    }
}
