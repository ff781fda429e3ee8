using Comet.Journals.FileSystem;

namespace Comet.Journals.Control;

/// <summary>Tells whether anybody, also this process, holds a lock: looked at through another open file than the one that holds this
/// process's locks, which is opened when it is needed for the first time.</summary>
internal sealed class LockProbe(IFileSystem files, string path) : IDisposable
{
    private readonly Lock _gate = new();
    private IJournalFile? _file;

    public bool IsLocked(long position)
    {
        lock (_gate)
        {
            _file ??= files.Open(path, FileOpening.ReadWrite);
            return _file.IsLockedByOther(position);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _file?.Dispose();
            _file = null;
        }
    }
}
