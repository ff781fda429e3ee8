using System.Diagnostics;

namespace Comet.Conventions.Tests;

/// <summary>The working copy these tests judge. Paths are relative to its root and use '/'.</summary>
internal static class Repository
{
    private static readonly Lazy<IReadOnlyList<string>> LazyFiles = new(ListFiles);

    public static string Root { get; } = FindRoot();

    /// <summary>What git tracks, and what it would track after `git add -A`: a breach is seen before it is committed.</summary>
    public static IReadOnlyList<string> Files => LazyFiles.Value;

    public static string FullPath(string path) => Path.Combine(Root, path);

    public static string Read(string path) => File.ReadAllText(FullPath(path));

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Comet.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException(
            $"No Comet.sln above {AppContext.BaseDirectory}. Run these tests from a build inside the working copy.");
    }

    private static List<string> ListFiles()
    {
        // A clone made by another user is refused by git unless it is named safe.
        string[] arguments =
            ["-c", "safe.directory=*", "-c", "core.quotePath=false", "ls-files", "--cached", "--others", "--exclude-standard"];
        var start = new ProcessStartInfo("git", arguments) { WorkingDirectory = Root, RedirectStandardOutput = true };
        using var git = Process.Start(start) ?? throw new InvalidOperationException("git could not be started. Install git.");
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        if (git.ExitCode != 0)
            throw new InvalidOperationException($"git ls-files failed in {Root} with code {git.ExitCode}. Run the tests in a git clone.");

        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Distinct(StringComparer.Ordinal)
            .Where(path => File.Exists(FullPath(path)))
            .Order(StringComparer.Ordinal)
            .ToList();
    }
}
