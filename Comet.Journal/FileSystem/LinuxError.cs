using System.Runtime.InteropServices;

namespace Comet.Journals.FileSystem;

/// <summary>Turns an errno into the exception that says what was tried, on which file, and what to do.</summary>
internal static class LinuxError
{
    public static JournalException Of(string what, string path) => Of(what, path, Marshal.GetLastPInvokeError());

    public static JournalException Of(string what, string path, int error)
    {
        var (code, advice) = error switch
        {
            LinuxNative.NoSpace or LinuxNative.QuotaExceeded =>
                (JournalErrorCode.StorageFull, "Free space on the disk; the journal goes on by itself."),
            LinuxNative.NoEntry => (JournalErrorCode.NotFound, "Check the path."),
            LinuxNative.AccessDenied => (JournalErrorCode.StorageError, "Give this user the right to it."),
            LinuxNative.TooManyOpenInProcess or LinuxNative.TooManyOpenInSystem =>
                (JournalErrorCode.StorageError, "Raise the limit of open files (ulimit -n)."),
            _ => (JournalErrorCode.StorageError, "Check the disk and the system's log.")
        };
        return new JournalException(code, $"{what} {path} failed: {Marshal.GetPInvokeErrorMessage(error)} (errno {error}). {advice}")
        {
            File = path
        };
    }
}
