using System.Runtime.InteropServices;

namespace Comet.Journals.Tests.Processes;

/// <summary>Ends a child whose tests have gone: who is killed disposes nothing, and a writer that nobody stops fills the disk. The console
/// stream does not tell, it takes a closed pipe for written.</summary>
internal static partial class OrphanWatch
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>Watches from now on, for as long as what it returns is kept.</summary>
    public static IDisposable Begin()
    {
        var parent = GetParent();
        return TimeProvider.System.CreateTimer(_ =>
        {
            if (GetParent() != parent)
                Environment.Exit(1);
        }, null, Period, Period);
    }

    [LibraryImport("libc", EntryPoint = "getppid")]
    private static partial int GetParent();
}
