using Comet.Journals.Control;
using Comet.Journals.FileSystem;

namespace Comet.Journals.Tests.Support;

/// <summary>The process ends in the middle: nothing goes on to the files any more.</summary>
internal sealed class CutOffException : Exception;

/// <summary>The machine's file system up to a certain change, at which the process "ends".</summary>
internal sealed class CutOffFileSystem(int changes) : IFileSystem
{
    private readonly IFileSystem _inner = FileSystems.Default;

    /// <summary>How many changes it still makes.</summary>
    public int Left { get; set; } = changes;

    public JournalEnvironment Environment => JournalEnvironment.Default with { Files = this };

    public Guid SessionId { get; } = Guid.NewGuid();

    public bool DirectoryExists(string directory) => _inner.DirectoryExists(directory);

    public void CreateDirectory(string directory) => _inner.CreateDirectory(directory);

    public IReadOnlyList<string> List(string directory) => _inner.List(directory);

    public bool Exists(string path) => _inner.Exists(path);

    public IJournalFile Open(string path, FileOpening opening)
    {
        if (opening == FileOpening.Create)
            Count();
        return new CutOffFile(this, _inner.Open(path, opening));
    }

    public bool TryRename(string from, string to)
    {
        Count();
        return _inner.TryRename(from, to);
    }

    public void Replace(string from, string to)
    {
        Count();
        _inner.Replace(from, to);
    }

    // What cleans up after a failure does not run in a process that has ended.
    public void Delete(string path)
    {
        Count();
        _inner.Delete(path);
    }

    public void FlushDirectory(string directory)
    {
        Count();
        _inner.FlushDirectory(directory);
    }

    public void RequireUsable(string directory) => _inner.RequireUsable(directory);

    private void Count()
    {
        if (Left-- <= 0)
            throw new CutOffException();
    }

    private sealed class CutOffFile(CutOffFileSystem files, IJournalFile inner) : IJournalFile
    {
        public string Path => inner.Path;

        public long Length => inner.Length;

        public int Read(Span<byte> buffer, long position) => inner.Read(buffer, position);

        public void Write(ReadOnlySpan<byte> bytes, long position)
        {
            files.Count();
            inner.Write(bytes, position);
        }

        public void Preallocate(long length)
        {
            files.Count();
            inner.Preallocate(length);
        }

        public void Punch(long position, long length) => inner.Punch(position, length);

        public void Truncate(long length)
        {
            files.Count();
            inner.Truncate(length);
        }

        public void FlushData()
        {
            files.Count();
            inner.FlushData();
        }

        public IFileMapping Map(long length, bool writable) => inner.Map(length, writable);

        public bool TryLock(long position, bool exclusive) => inner.TryLock(position, exclusive);

        public void Unlock(long position) => inner.Unlock(position);

        public bool IsLockedByOther(long position) => inner.IsLockedByOther(position);

        public void Dispose() => inner.Dispose();
    }
}
