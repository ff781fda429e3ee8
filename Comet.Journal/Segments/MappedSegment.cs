using System.Buffers;
using System.Runtime.CompilerServices;
using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Indexing;
using Comet.Journals.Preparation;
using Comet.Journals.Records;

namespace Comet.Journals.Segments;

/// <summary>A segment that is mapped: shared by the writers and readers of a process, unmapped when the last lets go.</summary>
internal sealed unsafe class MappedSegment
{
    private readonly IFileMapping _mapping;
    private readonly PointerMemory _memory;
    private readonly PagePreparer? _preparer;
    private int _references = 1;
    private PageRange _populated = new(0, 0);

    public MappedSegment(SegmentFile file, IFileMapping mapping, SegmentHeader header, PagePreparer? preparer, long ready,
        bool isFilled = false)
    {
        File = file;
        _mapping = mapping;
        if (mapping.FlushesRanges)
            file.Close();
        Header = header;
        Start = mapping.Pointer;
        Layout = header.Layout;
        Generation = TailWord.GenerationOf(header.Number);
        Seed = header.Seed;
        RollAt = header.CycleEnd;
        _memory = new PointerMemory(Start, (int)mapping.Length);
        Index = new BlockIndex(this);
        _preparer = preparer;
        Pages = preparer is null ? null : new SegmentPages(this, mapping, preparer, Math.Max(ready, Layout.DataStart), isFilled);
    }

    public SegmentFile File { get; }

    public SegmentHeader Header { get; }

    public SegmentLayout Layout { get; }

    public BlockIndex Index { get; }

    /// <summary>Null when the segment is only read.</summary>
    public SegmentPages? Pages { get; }

    public byte* Start { get; }

    public long Number => Header.Number;

    public ulong Generation { get; }

    public uint Seed { get; }

    /// <summary>Appends of this time or later take the slow way: the cycle is over, or (0) the segment is full.</summary>
    public long RollAt { get; set; }

    /// <param name="files">The file system.</param>
    /// <param name="path">The file.</param>
    /// <param name="writable">Whether it may be written.</param>
    /// <param name="preparer">Has its pages ready for writers; null when there are none.</param>
    public static MappedSegment Open(IFileSystem files, string path, bool writable, PagePreparer? preparer = null)
    {
        var file = files.Open(path, writable ? FileOpening.ReadWrite : FileOpening.Read);
        try
        {
            return Map(files, file, ReadHeader(file), writable, preparer);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public static MappedSegment Map(
        IFileSystem files, IJournalFile file, SegmentHeader header, bool writable, PagePreparer? preparer = null) =>
        new(new SegmentFile(files, file.Path, file, writable), file.Map(header.FileLength, writable), header, preparer, 0);

    /// <summary>Reads the header of a segment's file and checks that the file is as long as it says: no mapping may reach
    /// beyond it.</summary>
    public static SegmentHeader ReadHeader(IJournalFile file)
    {
        Span<byte> page = stackalloc byte[SegmentHeader.Length];
        var header = SegmentHeader.Read(page[..file.Read(page, 0)], file.Path);
        if (file.Length >= header.FileLength && header.FileLength is >= SegmentLayout.MinFileLength and <= SegmentLayout.MaxFileLength)
            return header;

        throw new JournalException(JournalErrorCode.Corrupt,
            $"{file.Path} has {file.Length} bytes, its header says {header.FileLength}: it was cut. Restore it from a copy.")
        {
            File = file.Path,
            FilePosition = file.Length
        };
    }

    public bool IsInUse => Volatile.Read(ref _references) > 0;

    /// <summary>Keeps the mapping; false when it is gone already.</summary>
    public bool TryKeep()
    {
        while (Volatile.Read(ref _references) is > 0 and var count)
        {
            if (Interlocked.CompareExchange(ref _references, count + 1, count) == count)
                return true;
        }

        return false;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _references) != 0)
            return;

        _mapping.Dispose();
        File.Dispose();
    }

    public ReadOnlyMemory<byte> Slice(long position, int length) => _memory.Memory.Slice((int)position, length);

    /// <summary>Has pages ready to be read, unless they are since an earlier time.</summary>
    public void PopulateToRead(long position, long length)
    {
        var (from, to) = _populated;
        if (position >= from && position + length <= to)
            return;

        _mapping.PopulateToRead(position, length);
        // Two readers at once may lose a note of each other's: pages are had ready again then.
        _populated = position <= to && position >= from ? new(from, position + length) : new(position, position + length);
    }

    /// <summary>The disk may begin to read a range.</summary>
    public void WillRead(long position, long length) => _mapping.WillRead(position, length);

    /// <summary>Lets go of the memory of a range that was read.</summary>
    public void Forget(long position, long length)
    {
        _populated = new(0, 0);
        _mapping.Forget(position, length);
    }

    /// <summary>Notes a claim that reaches into another block; false for others.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool NoteClaim(ulong claim, int size, int sequences)
    {
        var position = TailWord.Position(claim);
        if (((position ^ (position + size)) >> SegmentLayout.BlockShift) == 0)
            return false;

        EnterBlock(claim + TailWord.Claim(size, sequences), RecordLayout.Timestamp(Start + position));
        return true;
    }

    /// <summary>Makes a range of the file durable, and no more than has to be: pages that were only prepared stay as they are.</summary>
    public void Flush(long from, long to)
    {
        if (_mapping.FlushesRanges)
            _mapping.Flush(File.Path, from, to - from);
        else
            File.Open().FlushData();
        Pages?.ReadyAgain(to);
    }

    /// <summary>Flushes what a background work has written; a failure stops the journal.</summary>
    public void FlushOrFail(long from, long to)
    {
        try
        {
            Flush(from, to);
        }
        catch (JournalException failure)
        {
            _preparer!.Fail(failure);
        }
    }

    /// <summary>Notes the first record that begins in a block, and has the pages after it ready.</summary>
    /// <param name="claim">Its tail word.</param>
    /// <param name="time">The time of the record before it.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void EnterBlock(ulong claim, long time)
    {
        Index.Enter(claim, time);
        _preparer?.Enter(this, TailWord.Position(claim));
    }

    private sealed class PointerMemory(byte* start, int length) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(start, length);

        public override MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex);

        public override void Unpin()
        {
            // Mapped memory does not move.
        }

        protected override void Dispose(bool disposing)
        {
            // The segment owns the mapping.
        }
    }

    // A class: read and replaced as a whole, by several threads.
    private sealed record PageRange(long From, long To);
}
