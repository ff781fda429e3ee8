using System.CommandLine;
using System.Globalization;

namespace Comet.Cli.Commands;

/// <summary>The options for what a topic keeps, and for how long.</summary>
internal static class PolicyOptions
{
    private const string NoLimit = "none";

    private static readonly Option<string?> s_retention = new("--retention")
    {
        Description = "Acked messages: 'until-room' (kept until their room is wanted; the default), 'none' or 'forever'. For limits use "
            + "--retention-…",
        HelpName = "kind",
    };
    private static readonly Option<long?> s_messages = new("--retention-messages")
    {
        Description = "Keep at least so many acked messages in each partition.",
        HelpName = "count",
    };
    private static readonly Option<string?> s_age = Text(
        "--retention-age", $"Keep acked messages at least so long, for example 7d. {ValueParsers.BareNumber}", "duration");
    private static readonly Option<string?> s_bytes = Text(
        "--retention-bytes", "Keep at least so many bytes of acked messages in each partition, for example 1GiB.", "bytes");
    private static readonly Option<string?> s_ttl = Text(
        "--ttl", "Ack messages on behalf of subscriptions that have not done so after this time, for example 1h; 'none': never. "
            + ValueParsers.BareNumber,
        "duration");
    private static readonly Option<string?> s_quota = Text(
        "--quota", "How many unacked bytes a subscription may have in a partition, for example 1GiB; 'none': no quota.", "bytes");
    private static readonly Option<string?> s_quotaAction = Text(
        "--quota-action", "What happens at the quota: 'refuse' producers (the default), or 'drop-oldest'.", "action");
    private static readonly Option<string?> s_durability = Text(
        "--durability", "What a confirm promises to producers that ask for nothing: none, memory, os or disk; store and store-sync are "
            + "kept for clusters.", "level");

    private static readonly Option<string?> s_compression = Text("--storage-compression",
        "How older messages are compressed on the broker's disk: as-broker (the default), none, lz4 or snappy.", "codec");

    public static Option[] All { get; } =
        [s_retention, s_messages, s_age, s_bytes, s_ttl, s_quota, s_quotaAction, s_durability, s_compression];

    static PolicyOptions()
    {
        s_retention.AcceptOnlyFromAmong("until-room", "none", "forever");
        s_quotaAction.AcceptOnlyFromAmong("refuse", "drop-oldest");
        s_durability.AcceptOnlyFromAmong("none", "memory", "os", "disk", "store", "store-sync");
        s_compression.AcceptOnlyFromAmong("as-broker", "none", "lz4", "snappy");
    }

    /// <summary>What the arguments say; null where they say nothing.</summary>
    /// <exception cref="UsageException">A value has another form, or two of them do not go together.</exception>
    public static TopicUpdate Read(ParseResult arguments) => new()
    {
        Retention = ReadRetention(arguments),
        MessageTtl = arguments.GetValue(s_ttl) is { } ttl
            ? ttl == NoLimit ? Timeout.InfiniteTimeSpan : Ttl(ttl)
            : null,
        BacklogQuota = ReadQuota(arguments),
        DefaultDurability = arguments.GetValue(s_durability) switch
        {
            null => null,
            "store-sync" => Durability.StoreSync,
            var level => Enum.Parse<Durability>(level, ignoreCase: true),
        },
        StorageCompression = arguments.GetValue(s_compression) switch
        {
            null => null,
            "as-broker" => StorageCompression.AsBroker,
            var codec => Enum.Parse<StorageCompression>(codec, ignoreCase: true),
        },
    };

    /// <summary>A policy in one line; the parts that are as by default are left out.</summary>
    public static string Describe(TopicPolicy policy)
    {
        var parts = new List<string>();
        if (policy.Retention != RetentionPolicy.UntilRoomIsWanted)
            parts.Add($"retention {Describe(policy.Retention)}");
        if (policy.MessageTtl != Timeout.InfiniteTimeSpan)
            parts.Add($"ttl {Describe(policy.MessageTtl)}");
        if (policy.BacklogQuota.MaxBytes != long.MaxValue)
            parts.Add($"quota {Output.Progress.Count(policy.BacklogQuota.MaxBytes)} bytes, {policy.BacklogQuota.Action}");
        if (policy.DefaultDurability != Durability.None)
            parts.Add($"durability {policy.DefaultDurability}");
        if (policy.StorageCompression != StorageCompression.AsBroker)
            parts.Add($"storage compression {policy.StorageCompression}");
        return string.Join("; ", parts);
    }

    private static string Describe(RetentionPolicy retention)
    {
        var limits = new[]
        {
            retention.MaxMessages is { } messages ? $"{Output.Progress.Count(messages)} messages" : null,
            retention.MaxAge is { } age ? Describe(age) : null,
            retention.MaxBytes is { } bytes ? $"{Output.Progress.Count(bytes)} bytes" : null,
        };
        return limits.All(static l => l is null) ? "forever" : string.Join(" and ", limits.OfType<string>());
    }

    private static string Describe(TimeSpan time) => time.TotalDays >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalDays:0.###} d")
        : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.###} s");

    private static RetentionPolicy? ReadRetention(ParseResult arguments)
    {
        var (kind, messages) = (arguments.GetValue(s_retention), arguments.GetValue(s_messages));
        var (age, bytes) = (arguments.GetValue(s_age), arguments.GetValue(s_bytes));
        var hasLimit = messages is not null || age is not null || bytes is not null;
        if (messages < 0)
            throw new UsageException($"--retention-messages is {messages}; it must be 0 or more.");
        if (kind is not null && hasLimit)
            throw new UsageException("--retention says all about it; it does not go with --retention-messages, -age or -bytes.");
        return kind switch
        {
            "until-room" => RetentionPolicy.UntilRoomIsWanted,
            "none" => RetentionPolicy.None,
            "forever" => RetentionPolicy.Forever,
            _ when !hasLimit => null,
            _ => new()
            {
                MaxMessages = messages,
                MaxAge = age is null ? null : Duration("--retention-age", age),
                MaxBytes = bytes is null ? null : Size("--retention-bytes", bytes),
            },
        };
    }

    private static BacklogQuota? ReadQuota(ParseResult arguments)
    {
        var (text, action) = (arguments.GetValue(s_quota), arguments.GetValue(s_quotaAction));
        if (text is null)
            return action is null ? null : throw new UsageException("--quota-action needs --quota, the size it is about.");
        if (text == NoLimit)
            return BacklogQuota.Unlimited;
        var bytes = Size("--quota", text);
        if (bytes < 1)
            throw new UsageException($"--quota is {text}; it must be 1 byte or more, or 'none' for no quota.");
        return new(bytes, action == "drop-oldest" ? BacklogAction.DropOldest : BacklogAction.RefuseProducers);
    }

    private static Option<string?> Text(string name, string description, string helpName) =>
        new(name) { Description = description, HelpName = helpName };

    private static TimeSpan Ttl(string text) => Duration("--ttl", text) is var ttl && ttl >= TimeSpan.FromMilliseconds(1)
        ? ttl
        : throw new UsageException($"--ttl is {text}; it must be 1ms or more, or 'none' for messages that do not expire.");

    private static TimeSpan Duration(string option, string text) => ValueParsers.TryParseDuration(text, out var duration)
        ? duration
        : throw new UsageException($"{option}: '{text}' is not a duration: write for example 500ms, 10s, 2h or 7d.");

    private static long Size(string option, string text) => ValueParsers.TryParseSize(text, out var bytes)
        ? bytes
        : throw new UsageException($"{option}: '{text}' is not a size: write for example 100, 64k, 256MiB or 1GiB.");
}
