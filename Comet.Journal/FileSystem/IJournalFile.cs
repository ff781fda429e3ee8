namespace Comet.Journals.FileSystem;

/// <summary>One open file. Mappings made from it outlive it; locks taken through it end with it, and with the process.</summary>
internal interface IJournalFile : IDisposable
{
    string Path { get; }

    long Length { get; }

    /// <summary>Reads until the buffer is full or the file ends; returns how many bytes there were.</summary>
    int Read(Span<byte> buffer, long position);

    void Write(ReadOnlySpan<byte> bytes, long position);

    /// <summary>Makes the file at least so long, with blocks of its own for every byte: a write to them cannot fail for lack of room.
    /// New bytes are zero.</summary>
    /// <exception cref="JournalException">No room; nothing was kept.</exception>
    void Preallocate(long length);

    /// <summary>Gives the blocks of a range back; it reads as zeros and the length stays. A file system that cannot does nothing.</summary>
    void Punch(long position, long length);

    void Truncate(long length);

    /// <summary>Makes contents and length durable (fdatasync), those written through mappings too.</summary>
    void FlushData();

    /// <summary>Maps the first <paramref name="length"/> bytes, shared with every other mapping of the file in any process.</summary>
    IFileMapping Map(long length, bool writable);

    /// <summary>Takes the lock at one byte, or returns false when somebody else has it. A lock that this file holds already is
    /// converted, in one step, to the asked kind.</summary>
    bool TryLock(long position, bool exclusive);

    void Unlock(long position);

    /// <summary>Whether anybody but this open file holds the lock at one byte.</summary>
    bool IsLockedByOther(long position);
}

/// <summary>A range of memory that is the content of a file.</summary>
internal unsafe interface IFileMapping : IDisposable
{
    byte* Pointer { get; }

    long Length { get; }

    /// <summary>Has the pages of a range ready, so that the first write to each costs no fault. Only a hint.</summary>
    void Populate(long position, long length);

    /// <summary>Has pages ready to be read that are written no more. A hint: an implementation that has none does nothing.</summary>
    void PopulateToRead(long position, long length)
    {
        // Pages come one by one when they are read.
    }

    /// <summary>A range will be read soon: the disk may begin. Only a hint.</summary>
    void WillRead(long position, long length)
    {
        // It begins when it is read.
    }

    /// <summary>Gives the process's memory of a range back, as <see cref="Forget()"/> does.</summary>
    void Forget(long position, long length)
    {
        // Not everywhere.
    }

    /// <summary>Whether <see cref="Flush"/> works here; otherwise only whole files can be flushed.</summary>
    bool FlushesRanges => false;

    /// <summary>Makes a range durable, as <see cref="IJournalFile.FlushData"/> does the file. The path is for the error's
    /// message.</summary>
    void Flush(string path, long position, long length) => throw new NotSupportedException();

    /// <summary>Gives the process's memory back, not the file's contents: the next access brings them again. Only a hint.</summary>
    void Forget()
    {
        // Not everywhere.
    }
}
