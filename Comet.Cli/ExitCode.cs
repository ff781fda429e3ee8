namespace Comet.Cli;

/// <summary>What the program's exit codes mean.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int WrongUsage = 2;

    /// <summary>consume: it ended before --count messages had come.</summary>
    public const int CountNotReached = 3;
}
