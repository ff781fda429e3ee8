using Comet.Journals.Control;
using Comet.Journals.FileSystem;

namespace Comet.Journals.Tests.Support;

/// <summary>The machine's file system, with every flush and deletion told in order, held up or failed as a test wants.</summary>
internal sealed class TracedFileSystem : IFileSystem
{
    private readonly IFileSystem _inner = FileSystems.Default;
    private readonly Lock _gate = new();
    private readonly List<string> _events = [];

    /// <summary>Called before each flush of a file with its name; what it throws is the flush's failure.</summary>
    public Action<string>? BeforeFlush { get; set; }

    /// <summary>Called before a write, that of a mapping aside, with the path and the position; what it throws is its failure.</summary>
    public Action<string, long>? BeforeWrite { get; set; }

    /// <summary>Called before a preallocation with the path and the length.</summary>
    public Action<string, long>? BeforePreallocate { get; set; }

    public JournalEnvironment Environment => JournalEnvironment.Default with { Files = this };

    public Guid SessionId { get; set; } = FileSystems.Default.SessionId;

    public IReadOnlyList<string> Events
    {
        get
        {
            lock (_gate)
                return [.. _events];
        }
    }

    public int FileFlushes => Events.Count(each => each.StartsWith("flush ", StringComparison.Ordinal));

    public void Note(string text)
    {
        lock (_gate)
            _events.Add(text);
    }

    public bool DirectoryExists(string directory) => _inner.DirectoryExists(directory);

    public void CreateDirectory(string directory) => _inner.CreateDirectory(directory);

    /// <summary>What a directory shows, of what is in it.</summary>
    public Func<IReadOnlyList<string>, IReadOnlyList<string>> Shows { get; set; } = static names => names;

    public IReadOnlyList<string> List(string directory) => Shows(_inner.List(directory));

    public bool Exists(string path) => _inner.Exists(path);

    public IJournalFile Open(string path, FileOpening opening) => new TracedFile(this, _inner.Open(path, opening));

    /// <summary>Called after a file was given a name that was not taken; what it throws is the failure of that.</summary>
    public Action<string>? AfterRename { get; set; }

    public bool TryRename(string from, string to)
    {
        var renamed = _inner.TryRename(from, to);
        if (renamed)
            AfterRename?.Invoke(to);
        return renamed;
    }

    public void Replace(string from, string to)
    {
        Note($"replace {Path.GetFileName(to)}");
        _inner.Replace(from, to);
    }

    public void Delete(string path)
    {
        Note($"delete {Path.GetFileName(path)}");
        _inner.Delete(path);
    }

    public void FlushDirectory(string directory)
    {
        Note("directory");
        _inner.FlushDirectory(directory);
    }

    public void RequireUsable(string directory) => _inner.RequireUsable(directory);

    private sealed class TracedFile(TracedFileSystem files, IJournalFile inner) : IJournalFile
    {
        public string Path => inner.Path;

        public long Length => inner.Length;

        public int Read(Span<byte> buffer, long position) => inner.Read(buffer, position);

        public void Write(ReadOnlySpan<byte> bytes, long position)
        {
            files.BeforeWrite?.Invoke(Path, position);
            inner.Write(bytes, position);
        }

        public void Preallocate(long length)
        {
            files.BeforePreallocate?.Invoke(Path, length);
            inner.Preallocate(length);
        }

        public void Punch(long position, long length) => inner.Punch(position, length);

        public void Truncate(long length) => inner.Truncate(length);

        public void FlushData()
        {
            files.BeforeFlush?.Invoke(System.IO.Path.GetFileName(Path));
            inner.FlushData();
            files.Note($"flush {System.IO.Path.GetFileName(Path)}");
        }

        public IFileMapping Map(long length, bool writable) => new TracedMapping(inner.Map(length, writable));

        public bool TryLock(long position, bool exclusive) => inner.TryLock(position, exclusive);

        public void Unlock(long position) => inner.Unlock(position);

        public bool IsLockedByOther(long position) => inner.IsLockedByOther(position);

        public void Dispose() => inner.Dispose();
    }

    // Without flushes of ranges: they become flushes of the file.
    private sealed unsafe class TracedMapping(IFileMapping inner) : IFileMapping
    {
        public byte* Pointer => inner.Pointer;

        public long Length => inner.Length;

        public void Populate(long position, long length) => inner.Populate(position, length);

        public void Dispose() => inner.Dispose();
    }
}
