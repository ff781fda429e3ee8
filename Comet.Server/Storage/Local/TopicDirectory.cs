using System.Globalization;

namespace Comet.Server.Storage.Local;

/// <summary>The name of a topic's directory: the topic's name, whose '/' is written '~', then '~' and the topic's number, which is never
/// used again. Names of topics hold no '~', so no two share a directory and none leads elsewhere.</summary>
internal static class TopicDirectory
{
    private const char Separator = '~';

    public static string NameOf(string topic, long id) =>
        string.Create(CultureInfo.InvariantCulture, $"{topic.Replace('/', Separator)}{Separator}{id}");

    /// <summary>The directory of what waits for its time in a partition, beside that of its journal.</summary>
    public static string DelaysOf(string partition) => partition + "~delays";

    /// <summary>What a directory's name says; false when it is none of a topic.</summary>
    public static bool TryParse(string directory, out string topic, out long id)
    {
        var end = directory.LastIndexOf(Separator);
        topic = end > 0 ? directory[..end].Replace(Separator, '/') : "";
        id = 0;
        return end > 0 && Names.IsValid(topic)
            && long.TryParse(directory.AsSpan(end + 1), NumberStyles.None, CultureInfo.InvariantCulture, out id) && id > 0;
    }

    /// <summary>The partitions that have a directory in a topic's.</summary>
    public static IEnumerable<int> Partitions(string path) => Directory.EnumerateDirectories(path)
        .Select(static directory => Path.GetFileName(directory))
        .Select(static name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1)
        .Where(static number => number >= 0);
}
