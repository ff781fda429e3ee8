namespace Comet.Journals;

/// <summary>What kind of failure a <see cref="JournalException"/> tells of. The numbers are stable.</summary>
public enum JournalErrorCode
{
    /// <summary>Something failed inside that should not have: a defect.</summary>
    InternalError = 0,

    /// <summary>There is no journal, segment or record where one was asked for.</summary>
    NotFound = 1,

    /// <summary>Another process has the journal, or holds its recovery, and did not let go in time. Transient.</summary>
    InUse = 2,

    /// <summary>The disk has no room for the next segment. Nothing was written; the same append succeeds once there is room.
    /// Transient.</summary>
    StorageFull = 3,

    /// <summary>The operating system refused an operation on a file, before any data was at risk.</summary>
    StorageError = 4,

    /// <summary>A flush or a write to a journal file failed. The journal refuses everything from now on: what was not confirmed as
    /// durable is unknown. Close it everywhere and open it again, which runs recovery.</summary>
    Faulted = 5,

    /// <summary>Bytes that had been made durable are not what was written. Nothing is cut or repaired by itself.</summary>
    Corrupt = 6,

    /// <summary>The files were written by a version this one does not know. They are left untouched.</summary>
    UnsupportedFormat = 7,

    /// <summary>The directory is on a file system a journal cannot live on, for example on a network.</summary>
    UnsupportedFileSystem = 8,

    /// <summary>A record is longer than the journal allows.</summary>
    RecordTooLarge = 9,

    /// <summary>All places for writers are taken; dispose writers that are no longer needed. Transient.</summary>
    TooManyWriters = 10,

    /// <summary>The journal was opened for reading only.</summary>
    ReadOnly = 11,

    /// <summary>A named reader is open already, here or in another process. Transient.</summary>
    ReaderInUse = 12,

    /// <summary>A segment is encrypted with a key that is not known here, or is another one.</summary>
    WrongKey = 13
}
