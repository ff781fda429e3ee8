namespace Comet.Wire;

/// <summary>The fields of a topic's policy, which several frames end with: <c>retention_kind | retention_messages | retention_age_us |
/// retention_bytes | ttl_us | quota_bytes | quota_action | durability |
/// storage_compression</c>.</summary>
/// <remarks>0, which is what an older peer sends, says nothing: a new topic gets the default, an update leaves the value as it is.
/// retention_kind: 1 has the limits that follow, 2 yields to room. A limit, TTL or quota of -1 is none. durability: the level and
/// 1; storage_compression: 1 as the broker, 2 none, 3 LZ4, 4 Snappy.</remarks>
internal static class PolicyFields
{
    /// <summary>How many fields there are.</summary>
    public const int Count = 9;

    private const long None = -1;
    private const long HasLimits = 1;
    private const long YieldsToRoom = 2;

    public static void Write<TWriter>(ref TWriter writer, TopicUpdate policy)
        where TWriter : IHeaderWriter, allows ref struct
    {
        var retention = policy.Retention;
        writer.WriteInteger("retention_kind", retention is null ? 0 : retention.YieldsToRoom ? YieldsToRoom : HasLimits);
        writer.WriteInteger("retention_messages", retention?.MaxMessages ?? None);
        writer.WriteInteger("retention_age_us", retention?.MaxAge is { } age ? ToMicroseconds(age) : None);
        writer.WriteInteger("retention_bytes", retention?.MaxBytes ?? None);
        writer.WriteInteger("ttl_us", policy.MessageTtl is { } ttl ? ToMicroseconds(ttl) : 0);
        writer.WriteInteger("quota_bytes", policy.BacklogQuota is { } quota ? quota.MaxBytes == long.MaxValue ? None : quota.MaxBytes : 0);
        writer.WriteInteger("quota_action", (long)(policy.BacklogQuota?.Action ?? 0));
        writer.WriteInteger("durability", policy.DefaultDurability is { } durability ? (long)durability + 1 : 0);
        writer.WriteInteger("storage_compression", policy.StorageCompression is { } compression ? (long)compression + 1 : 0);
    }

    /// <summary>Reads what <see cref="Write"/> wrote; whether the values can be kept is not checked here.</summary>
    public static TopicUpdate Read<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        var kind = reader.ReadInteger("retention_kind");
        var (messages, age) = (reader.ReadInteger("retention_messages"), reader.ReadInteger("retention_age_us"));
        var bytes = reader.ReadInteger("retention_bytes");
        var ttl = reader.ReadInteger("ttl_us");
        var (quotaBytes, quotaAction) = (reader.ReadInteger("quota_bytes"), HeaderFields.ReadInt32(ref reader, "quota_action"));
        var durability = HeaderFields.ReadInt32(ref reader, "durability");
        var compression = HeaderFields.ReadInt32(ref reader, "storage_compression");
        return new TopicUpdate
        {
            Retention = kind switch
            {
                0 => null,
                HasLimits => new()
                {
                    MaxMessages = messages == None ? null : messages,
                    MaxAge = age == None ? null : ToTimeSpan(age),
                    MaxBytes = bytes == None ? null : bytes,
                },
                YieldsToRoom => RetentionPolicy.UntilRoomIsWanted,
                _ => throw PolicyChecks.Invalid($"There is no retention of the kind {kind}."),
            },
            MessageTtl = ttl == 0 ? null : ToTimeSpan(ttl),
            BacklogQuota = quotaBytes == 0 ? null : new(quotaBytes == None ? long.MaxValue : quotaBytes, (BacklogAction)quotaAction),
            DefaultDurability = durability == 0 ? null : (Durability)(durability - 1),
            StorageCompression = compression == 0 ? null : (StorageCompression)(compression - 1),
        };
    }

    private static long ToMicroseconds(TimeSpan time) =>
        time == Timeout.InfiniteTimeSpan ? None : time.Ticks / TimeSpan.TicksPerMicrosecond;

    private static TimeSpan ToTimeSpan(long microseconds) => microseconds == None
        ? Timeout.InfiniteTimeSpan
        : new(Math.Clamp(microseconds, long.MinValue / TimeSpan.TicksPerMicrosecond, long.MaxValue / TimeSpan.TicksPerMicrosecond)
            * TimeSpan.TicksPerMicrosecond);
}
