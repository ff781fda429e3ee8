using Comet.Journals.FileSystem;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>Another file system, except for what is overridden.</summary>
internal abstract class PassingFileSystem(IFileSystem inner) : IFileSystem
{
    public Guid SessionId => inner.SessionId;

    public bool DirectoryExists(string directory) => inner.DirectoryExists(directory);

    public void CreateDirectory(string directory) => inner.CreateDirectory(directory);

    public IReadOnlyList<string> List(string directory) => inner.List(directory);

    public bool Exists(string path) => inner.Exists(path);

    public IJournalFile Open(string path, FileOpening opening) => new PassingFile(this, inner.Open(path, opening));

    public bool TryRename(string from, string to) => inner.TryRename(from, to);

    public void Replace(string from, string to) => inner.Replace(from, to);

    public void Delete(string path) => inner.Delete(path);

    public virtual void FlushDirectory(string directory) => inner.FlushDirectory(directory);

    public void RequireUsable(string directory) => inner.RequireUsable(directory);

    /// <summary>A flush of a file or of a range of it.</summary>
    protected virtual void Flush(Action flush) => flush();

    protected virtual bool IsLockedByOther(IJournalFile file, long position) => file.IsLockedByOther(position);

    private sealed class PassingFile(PassingFileSystem files, IJournalFile file) : IJournalFile
    {
        public string Path => file.Path;

        public long Length => file.Length;

        public int Read(Span<byte> buffer, long position) => file.Read(buffer, position);

        public void Write(ReadOnlySpan<byte> bytes, long position) => file.Write(bytes, position);

        public void Preallocate(long length) => file.Preallocate(length);

        public void Punch(long position, long length) => file.Punch(position, length);

        public void Truncate(long length) => file.Truncate(length);

        public void FlushData() => files.Flush(file.FlushData);

        public IFileMapping Map(long length, bool writable) => new PassingMapping(files, file.Map(length, writable));

        public bool TryLock(long position, bool exclusive) => file.TryLock(position, exclusive);

        public void Unlock(long position) => file.Unlock(position);

        public bool IsLockedByOther(long position) => files.IsLockedByOther(file, position);

        public void Dispose() => file.Dispose();
    }

    private sealed unsafe class PassingMapping(PassingFileSystem files, IFileMapping mapping) : IFileMapping
    {
        public byte* Pointer => mapping.Pointer;

        public long Length => mapping.Length;

        public bool FlushesRanges => mapping.FlushesRanges;

        public void Populate(long position, long length) => mapping.Populate(position, length);

        public void Flush(string path, long position, long length) => files.Flush(() => mapping.Flush(path, position, length));

        public void Forget() => mapping.Forget();

        public void Dispose() => mapping.Dispose();
    }
}
