namespace Comet.Journals.FileSystem;

/// <summary>All a journal needs from an operating system's files. A simulated disk stands in for it in tests.</summary>
/// <remarks>Every failure is a <see cref="JournalException"/>: <see cref="JournalErrorCode.StorageFull"/> where there is no room,
/// <see cref="JournalErrorCode.NotFound"/> where there is no such file, otherwise <see cref="JournalErrorCode.StorageError"/>. Paths are
/// absolute. Nothing is durable before <see cref="IJournalFile.FlushData"/> for contents and <see cref="FlushDirectory"/> for names have
/// returned.</remarks>
internal interface IFileSystem
{
    /// <summary>Changes when what was written but not flushed may have been lost: the boot id. Within one session, pages that a killed
    /// process wrote are still there.</summary>
    Guid SessionId { get; }

    bool DirectoryExists(string directory);

    /// <summary>Creates a directory, and those above it, that only the owner may enter.</summary>
    void CreateDirectory(string directory);

    /// <summary>The names, without their directory, of the files in a directory; in no order.</summary>
    IReadOnlyList<string> List(string directory);

    bool Exists(string path);

    IJournalFile Open(string path, FileOpening opening);

    /// <summary>Gives a file another name, in one step. False, and nothing has changed, when that name is taken.</summary>
    bool TryRename(string from, string to);

    /// <summary>Gives a file another name, in one step; what had that name before is gone.</summary>
    void Replace(string from, string to);

    /// <summary>Gives a file a second name, which must not be taken. False, and nothing has changed, where that is not possible: on
    /// another file system, for example.</summary>
    bool TryLink(string from, string to) => false;

    /// <summary>Deletes a file; nothing happens when there is none.</summary>
    void Delete(string path);

    /// <summary>Makes the names in a directory durable.</summary>
    void FlushDirectory(string directory);

    /// <summary>Refuses directories where shared mappings and locks do not do what a journal relies on.</summary>
    /// <exception cref="JournalException">The code is <see cref="JournalErrorCode.UnsupportedFileSystem"/>.</exception>
    void RequireUsable(string directory);
}

/// <summary>How a file is opened.</summary>
internal enum FileOpening
{
    /// <summary>It must be there; it is only read.</summary>
    Read,

    /// <summary>It must be there; it is read and written.</summary>
    ReadWrite,

    /// <summary>It must not be there; only the owner may read it.</summary>
    Create,

    /// <summary>It is created when it is not there.</summary>
    OpenOrCreate
}
