using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Comet.Server.Storage.Local;

/// <summary>Opens the metadata of a data directory; when it is lost or damaged, makes it anew from the journals.</summary>
internal static class LocalMetadata
{
    private static readonly string[] s_companions = ["", "-wal", "-shm"];

    /// <summary>Opens it.</summary>
    /// <param name="directory">The data.</param>
    /// <param name="now">Microseconds since the Unix epoch, to name what is put aside.</param>
    /// <param name="logger">Told what is lost.</param>
    public static MetadataFile Open(DataDirectory directory, long now, ILogger logger)
    {
        var topics = FindTopics(directory);
        if (Directory.Exists(directory.Metadata))
        {
            throw new CometException(ErrorCode.StorageFailed,
                $"{directory.Metadata} is a directory, and should be a file: nothing was changed. Move it away, and put the file back.");
        }
        // SQLite takes an empty file for a new one, and would know of no topic.
        var isLost = topics.Count > 0 && new FileInfo(directory.Metadata) is not { Exists: true, Length: > 0 };
        try
        {
            return isLost ? Replace(File.Exists(directory.Metadata) ? "it is empty" : "it is missing") : OpenFile(directory);
        }
        catch (CometException e) when (!isLost && MetadataFile.IsDamage(e))
        {
            return Replace(e.Message);
        }

        MetadataFile Replace(string reason)
        {
            var aside = string.Create(CultureInfo.InvariantCulture, $"{directory.Metadata}.damaged-{now}");
            PutAside(directory.Metadata, aside);
            LocalLog.MetadataLost(logger, directory.Metadata, reason, aside);
            return Rebuild(directory, topics, logger);
        }
    }

    private static MetadataFile OpenFile(DataDirectory directory)
    {
        try
        {
            return MetadataFile.Open(directory.Metadata);
        }
        catch (CometException e) when (e.Code is ErrorCode.StorageFull or ErrorCode.StorageFailed && !MetadataFile.IsDamage(e)
            && File.Exists(directory.Ballast))
        {
            // On a full disk not even the index of what SQLite wrote last can be made: this is what the ballast is for.
            File.Delete(directory.Ballast);
            return MetadataFile.Open(directory.Metadata);
        }
    }

    // Also of a file that is missing: what SQLite has beside it would be taken for a part of the next one.
    private static void PutAside(string path, string aside)
    {
        foreach (var companion in s_companions)
        {
            if (File.Exists(path + companion))
                File.Move(path + companion, aside + companion);
        }
    }

    /// <summary>The topics that have directories: of each name the one with the highest number.</summary>
    private static List<(long Id, StoredTopic Topic)> FindTopics(DataDirectory directory)
    {
        return [.. Directory.EnumerateDirectories(directory.Topics)
            .Select(static path => TopicDirectory.TryParse(Path.GetFileName(path), out var topic, out var id)
                ? (Id: id, Topic: new StoredTopic(topic, TopicDirectory.Partitions(path).DefaultIfEmpty(0).Max() + 1, TopicPolicy.Default))
                : (Id: 0, null!))
            .Where(static found => found.Id > 0)
            .GroupBy(static found => found.Topic.Name, StringComparer.Ordinal)
            .Select(static same => same.MaxBy(static found => found.Id))
            .OrderBy(static found => found.Id)];
    }

    private static MetadataFile Rebuild(DataDirectory directory, List<(long Id, StoredTopic Topic)> topics, ILogger logger)
    {
        // Under another name until it is whole: a crash in the middle of it begins anew.
        var path = directory.Metadata + ".new";
        foreach (var companion in s_companions)
            File.Delete(path + companion);
        using (var file = MetadataFile.Open(path))
        using (var connection = file.Connect())
        using (var commands = new MetadataCommands(connection))
        {
            commands.Begin();
            foreach (var (id, topic) in topics)
            {
                commands.SaveTopic(id, topic);
                for (var number = 0; number < topic.Partitions; number++)
                    commands.SaveOpen(id, number);
                LocalLog.TopicRebuilt(logger, topic.Name, topic.Partitions);
            }
            commands.Commit();
        }
        File.Move(path, directory.Metadata);
        DirectoryFlush.Run(directory.Path);
        return MetadataFile.Open(directory.Metadata);
    }
}
