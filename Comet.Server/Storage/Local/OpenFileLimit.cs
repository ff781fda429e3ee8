using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Comet.Server.Storage.Local;

/// <summary>How many files the system lets this process have open, and what that means for partitions: one that cannot open its files is
/// offline until the next start.</summary>
internal static class OpenFileLimit
{
    private const string Source = "/proc/self/limits";
    private const string Line = "Max open files";

    // What a process has open besides (about 150 files), and what connections and the opening itself may take.
    private const int Others = 192;

    /// <summary>The limit, where the system tells it.</summary>
    public static long? Read()
    {
        try
        {
            return File.Exists(Source) ? Parse(File.ReadLines(Source)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The limit in force, from the lines of Linux's table; null when there is none.</summary>
    public static long? Parse(IEnumerable<string> lines) =>
        lines.FirstOrDefault(static line => line.StartsWith(Line, StringComparison.Ordinal)) is { } found
            && found[Line.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var soft, ..]
            && long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
            ? limit
            : null;

    /// <summary>How many partitions may have their files open: as many as are wanted, or what fits into half of the limit.</summary>
    public static int Bound(int wanted, long? limit, ILogger logger)
    {
        if (limit is not { } files)
            return wanted;
        var fits = (int)Math.Clamp((files - Others) / 2, 1, int.MaxValue);
        if (fits >= wanted)
            return wanted;
        LocalLog.FewFiles(logger, files, fits, wanted);
        return fits;
    }
}
