namespace Comet.Integration.Tests.Processes;

/// <summary>How long a test waits before it fails: far longer than anything takes, so that a busy machine fails nothing.</summary>
internal static class Limits
{
    public static readonly TimeSpan Wait = TimeSpan.FromSeconds(30);
}
