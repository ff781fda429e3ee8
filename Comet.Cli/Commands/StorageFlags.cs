using System.CommandLine;
using Comet.Cli.Journals;
using Comet.Cli.Output;
using Comet.Server;

namespace Comet.Cli.Commands;

/// <summary>The options of comet serve for where messages are kept, and how.</summary>
internal static class StorageFlags
{
    private const double MebiByte = 1024 * 1024;

    private static readonly Option<string?> s_storage = new("--storage")
    {
        Description = "Where messages are kept. memory: they are gone when the broker stops. local: in the directory --data. Default: "
            + "local with --data, otherwise memory.",
    };

    private static readonly Option<DirectoryInfo?> s_data = new("--data")
    {
        Description = "Keep messages in this directory, on the disk of this machine; it is made when it is missing. One server at a time "
            + "uses it.",
        HelpName = "directory",
    };

    private static readonly Option<string> s_compression = new("--storage-compression")
    {
        Description = "How older messages are compressed on disk, where their topic does not say: none, lz4 or snappy.",
        DefaultValueFactory = static _ => "none",
    };

    private static readonly Option<DirectoryInfo?> s_cool = new Option<DirectoryInfo?>("--cool")
    {
        Description = "A directory for older messages, on another disk for example; goes with --cool-after.",
        HelpName = "directory",
    }.Sets(nameof(LocalStorageOptions.Cool));

    private static readonly Option<TimeSpan?> s_coolAfter = ValueParsers.Delay(
        "--cool-after", "How old messages are when they go to --cool, for example 1d.");

    private static readonly Option<DirectoryInfo?> s_cold = new Option<DirectoryInfo?>("--cold")
    {
        Description = "A directory for messages that are older still; goes with --cold-after.",
        HelpName = "directory",
    }.Sets(nameof(LocalStorageOptions.Cold));

    private static readonly Option<TimeSpan?> s_coldAfter = ValueParsers.Delay(
        "--cold-after", "How old messages are when they go to --cold, for example 30d.");

    private static readonly Option<TimeSpan?> s_upkeep = ValueParsers.Duration("--upkeep-interval",
        "How often it is looked for messages to compress, encrypt or move. Default: 1m.").Sets(
            nameof(LocalStorageOptions.UpkeepInterval));

    private static readonly Option<long> s_segment = ValueParsers.Size("--segment-size",
        "The most bytes of a segment. Only whole segments that nobody writes any more are compressed, encrypted, moved and removed.",
        (long)(64 * MebiByte)).Sets(nameof(LocalStorageOptions.MaxSegmentLength));

    private static readonly Option[] s_ofLocal =
        [s_compression, s_cool, s_coolAfter, s_cold, s_coldAfter, s_upkeep, s_segment, JournalKeys.Option];

    public static Option[] All { get; } = [s_storage, s_data, .. s_ofLocal];

    static StorageFlags()
    {
        s_storage.AcceptOnlyFromAmong("memory", "local");
        s_compression.AcceptOnlyFromAmong("none", "lz4", "snappy");
    }

    /// <summary>Says where messages are kept when the directory alone has said that they are.</summary>
    public static void TellWhere(ParseResult arguments)
    {
        if (arguments.GetValue(s_data) is { } data && arguments.GetValue(s_storage) is null)
            Note.Write($"messages are kept on disk, in {data.FullName} (--storage local)", arguments.GetValue(GlobalOptions.Json));
    }

    /// <summary>What the arguments say; null for memory.</summary>
    /// <exception cref="UsageException">They do not go together.</exception>
    public static LocalStorageOptions? Read(ParseResult arguments)
    {
        var (storage, data) = (arguments.GetValue(s_storage), arguments.GetValue(s_data));
        if (storage == "local" && data is null)
            throw new UsageException("--storage local needs --data, the directory to keep messages in.");
        if (storage == "memory" && data is not null)
        {
            throw new UsageException("--storage memory keeps nothing on disk, and --data says where to keep messages on disk: leave one "
                + "of the two out.");
        }
        if (data is null)
        {
            return Array.Find(s_ofLocal, option => arguments.GetResult(option) is { Implicit: false }) is { } given
                ? throw new UsageException($"{given.Name} is for messages that are kept on disk: it needs --data, the directory for them.")
                : null;
        }
        var options = new LocalStorageOptions
        {
            Directory = data.FullName,
            Recovering = new RecoveryLine().Show,
            MaxSegmentLength = arguments.GetValue(s_segment),
            Compression = Enum.Parse<CompressionType>(arguments.GetRequiredValue(s_compression), ignoreCase: true),
            Keys = JournalKeys.Parse(arguments),
            Cool = Tier(arguments, s_cool, s_coolAfter),
            Cold = Tier(arguments, s_cold, s_coldAfter),
        };
        return arguments.GetValue(s_upkeep) is { } interval ? options with { UpkeepInterval = interval } : options;
    }

    private static LocalStorageTier? Tier(ParseResult arguments, Option<DirectoryInfo?> directory, Option<TimeSpan?> after) =>
        (arguments.GetValue(directory), arguments.GetValue(after)) switch
        {
            (null, null) => null,
            ({ } folder, { } age) => new(folder.FullName, age),
            _ => throw new UsageException($"{directory.Name} and {after.Name} go together."),
        };
}
