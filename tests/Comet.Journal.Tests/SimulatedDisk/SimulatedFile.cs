using Comet.Journals.FileSystem;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>An open file of a <see cref="SimulatedFileSystem"/>.</summary>
internal sealed unsafe class SimulatedFile(SimulatedFileSystem disk, string path, SimulatedInode inode) : IJournalFile
{
    private const int PageLength = 4096;

    public string Path { get; } = path;

    public SimulatedInode Inode { get; } = inode;

    public long Length => Inode.Length;

    public int Read(Span<byte> buffer, long position)
    {
        var count = (int)Math.Clamp(Length - position, 0, buffer.Length);
        Inode.Content.Span.Slice((int)Math.Min(position, Inode.Content.Length), count).CopyTo(buffer);
        return count;
    }

    public void Write(ReadOnlySpan<byte> bytes, long position)
    {
        disk.Operate();
        if (position + bytes.Length > Length)
            Inode.Resize(position + bytes.Length);
        Inode.Write(bytes, position);
    }

    public void Preallocate(long length)
    {
        disk.Operate();
        if (length > Length)
            Inode.Resize(length);
    }

    public void Punch(long position, long length)
    {
        disk.Operate();
        Inode.BeginChange();
        Inode.Content.Span.Slice((int)position, (int)length).Clear();
    }

    public void Truncate(long length)
    {
        disk.Operate();
        Inode.Resize(length);
    }

    public void FlushData() => disk.Flush(Path, Inode, 0, Inode.Length);

    public IFileMapping Map(long length, bool writable)
    {
        if (length > Length)
            throw new InvalidOperationException($"A mapping of {length} bytes of {Path}, which has {Length}, would kill the process.");
        if (writable)
            Inode.BeginChange();
        Inode.IsMapped = true;
        return new Mapping(this, length);
    }

    public bool TryLock(long position, bool exclusive) => disk.Locks.TryLock(this, position, exclusive);

    public void Unlock(long position) => disk.Locks.Unlock(this, position);

    public bool IsLockedByOther(long position) => disk.Locks.IsLockedByOther(this, position);

    public void Dispose() => disk.Locks.Release(this);

    private sealed class Mapping(SimulatedFile file, long length) : IFileMapping
    {
        // The bytes stay where they are: a file that is mapped does not grow.
        private readonly SectorBytes _content = file.Inode.Content;

        public byte* Pointer => _content.Pointer;

        public long Length => length;

        public bool FlushesRanges => true;

        public void Populate(long position, long length)
        {
            // Only a hint.
        }

        public void Flush(string path, long position, long length) => file.Flush(
            path, position / PageLength * PageLength, (position + length + PageLength - 1) / PageLength * PageLength);

        public void Dispose()
        {
            // The content is the file's.
        }
    }

    private void Flush(string path, long from, long to) => disk.Flush(path, Inode, from, to);
}
