using Comet.Journals;
using Microsoft.Data.Sqlite;

namespace Comet.Server.Storage.Local.Backup;

/// <summary>Makes what can go wrong with files one kind of error.</summary>
internal static class BackupFailure
{
    private const int SqliteFull = 13;

    /// <summary>Windows: the disk is full.</summary>
    private const int DiskFull = unchecked((int)0x80070070);

    /// <summary>Linux: no space left on device.</summary>
    private const int NoSpace = 28;

    public static async Task<T> GuardAsync<T>(string target, Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (IsFull(e))
        {
            throw new CometException(ErrorCode.StorageFull, $"There is no more room for {target}: {e.Message}", e);
        }
        catch (JournalException e) when (e.Code == JournalErrorCode.UnsupportedFormat)
        {
            throw new CometException(ErrorCode.UnsupportedVersion, e.Message, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SqliteException or JournalException)
        {
            throw new CometException(ErrorCode.StorageFailed, e.Message, e);
        }
    }

    private static bool IsFull(Exception e) => e switch
    {
        JournalException journal => journal.Code == JournalErrorCode.StorageFull,
        SqliteException sqlite => sqlite.SqliteErrorCode == SqliteFull,
        IOException io => io.HResult is DiskFull or NoSpace,
        _ => false,
    };
}
