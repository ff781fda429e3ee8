using Comet.Journals.Control;
using Comet.Journals.FileSystem;
using Comet.Journals.Segments;

namespace Comet.Journals.Verification;

/// <summary>Who has a journal open, and what the running system remembers of it.</summary>
/// <param name="IsAttended">Whether somebody has it open to write.</param>
/// <param name="IsOfThisBoot">Whether all that was ever published is there: the machine has not been restarted since.</param>
/// <param name="Durable">Up to where all was durable a moment ago, and the first sequence behind it; nothing when that is not
/// known.</param>
internal readonly record struct SessionState(bool IsAttended, bool IsOfThisBoot, (JournalPlace Place, long Sequence) Durable)
{
    /// <param name="files">The file system.</param>
    /// <param name="directory">The journal's.</param>
    /// <param name="journalId">Its id, when that is known.</param>
    /// <param name="isOurs">Whether the caller holds the session, so that its lock says nothing.</param>
    public static SessionState Read(IFileSystem files, string directory, Guid? journalId, bool isOurs)
    {
        var path = Path.Combine(directory, ControlFile.Name);
        if (!files.Exists(path))
            return default;

        using var control = files.Open(path, FileOpening.Read);
        var isAttended = !isOurs && control.IsLockedByOther(JournalLock.Session);
        var isOfThisBoot = journalId is { } id && files.SessionId != Guid.Empty && ControlFile.IsOf(control, id, files.SessionId);
        return new SessionState(isAttended, isOfThisBoot, isOfThisBoot ? ControlFile.ReadDurable(control) : default);
    }
}
