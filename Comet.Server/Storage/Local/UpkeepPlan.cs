using System.Globalization;
using Comet.Journals;

namespace Comet.Server.Storage.Local;

/// <summary>What is to be done with the segments of a partition that nobody writes any more.</summary>
internal static class UpkeepPlan
{
    /// <summary>The plan for a partition; null when there is nothing to do to any segment, ever.</summary>
    public static JournalMaintenance? For(LocalStorageOptions options, LocalTopic topic, int number)
    {
        var codec = CodecOf(topic.Compression, options.Compression);
        var encrypts = options is { Encrypt: true, Keys: not null };
        if (codec == JournalCodec.None && !encrypts && options is { Cool: null, Cold: null })
            return null;
        return new JournalMaintenance
        {
            Compression = codec,
            CompressionLevel = options.CompressionLevel,
            Encrypt = encrypts,
            Cool = TierOf(options.Cool, topic, number),
            Cold = TierOf(options.Cold, topic, number),
        };
    }

    /// <summary>Removes what a topic has in tiers besides its partitions.</summary>
    public static void RemoveTiers(LocalStorageOptions options, LocalTopic topic)
    {
        foreach (var tier in new[] { options.Cool, options.Cold }.OfType<LocalStorageTier>())
        {
            var folder = FolderOf(tier, topic);
            if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
                Directory.Delete(folder);
        }
    }

    private static JournalCodec CodecOf(StorageCompression topic, CompressionType broker) => topic switch
    {
        StorageCompression.None => JournalCodec.None,
        StorageCompression.Lz4 => JournalCodec.Lz4,
        StorageCompression.Snappy => JournalCodec.Snappy,
        _ => broker switch
        {
            CompressionType.Lz4 => JournalCodec.Lz4,
            CompressionType.Snappy => JournalCodec.Snappy,
            _ => JournalCodec.None,
        },
    };

    private static string FolderOf(LocalStorageTier tier, LocalTopic topic) =>
        Path.Combine(Path.GetFullPath(tier.Directory), topic.DirectoryName);

    private static JournalTier? TierOf(LocalStorageTier? tier, LocalTopic topic, int number) => tier is null ? null
        : new(Path.Combine(FolderOf(tier, topic), number.ToString(CultureInfo.InvariantCulture)), tier.After);
}
