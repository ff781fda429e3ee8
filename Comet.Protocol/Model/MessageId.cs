using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Comet;

/// <summary>The address of one message: topic, partition and offset. Prints and parses as <c>orders-3@184</c>.</summary>
/// <param name="Topic">The topic's name.</param>
/// <param name="Partition">The partition, from 0.</param>
/// <param name="Offset">The offset within the partition, from 0.</param>
public readonly record struct MessageId(string Topic, int Partition, long Offset) : IComparable<MessageId>, IParsable<MessageId>
{
    /// <inheritdoc/>
    public int CompareTo(MessageId other)
    {
        var byTopic = string.CompareOrdinal(Topic, other.Topic);
        if (byTopic != 0)
            return byTopic;
        return Partition != other.Partition ? Partition.CompareTo(other.Partition) : Offset.CompareTo(other.Offset);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Topic}-{Partition}@{Offset}");

    /// <summary>Parses the form <c>topic-partition@offset</c>.</summary>
    /// <exception cref="FormatException">The text has another form.</exception>
    public static MessageId Parse(string s, IFormatProvider? provider = null) => TryParse(s, provider, out var id)
        ? id
        : throw new FormatException($"'{s}' is not a message id: write topic-partition@offset, for example orders-3@184.");

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, out MessageId result)
    {
        result = default;
        if (s is null)
            return false;
        var at = s.LastIndexOf('@');
        var dash = at < 0 ? -1 : s.LastIndexOf('-', at);
        if (dash <= 0
            || !Names.IsValid(s[..dash])
            || !int.TryParse(s.AsSpan(dash + 1, at - dash - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            || !long.TryParse(s.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
            return false;
        result = new MessageId(s[..dash], partition, offset);
        return true;
    }

    /// <summary>Whether one message stands before another (by topic, then partition, then offset).</summary>
    public static bool operator <(MessageId left, MessageId right) => left.CompareTo(right) < 0;

    /// <summary>Whether one message stands before another, or is it.</summary>
    public static bool operator <=(MessageId left, MessageId right) => left.CompareTo(right) <= 0;

    /// <summary>Whether one message stands behind another.</summary>
    public static bool operator >(MessageId left, MessageId right) => left.CompareTo(right) > 0;

    /// <summary>Whether one message stands behind another, or is it.</summary>
    public static bool operator >=(MessageId left, MessageId right) => left.CompareTo(right) >= 0;
}
