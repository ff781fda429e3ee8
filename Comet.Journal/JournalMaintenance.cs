using Comet.Journals.Packing;

namespace Comet.Journals;

/// <summary>What is done with segments that nobody writes any more: by default nothing. Immutable.</summary>
/// <remarks>A segment is dealt with once all of it and the beginning of the one behind it are durable. Readers notice nothing: they go on
/// in what they have open, and places stay what they are.</remarks>
public sealed record JournalMaintenance
{
    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan MaxInterval = TimeSpan.FromDays(1);

    /// <summary>How segments are compressed. Those that are packed already stay as they are. Default:
    /// <see cref="JournalCodec.None"/>.</summary>
    public JournalCodec Compression { get; init; }

    /// <summary>How hard LZ4 tries, from 0 (fast) to 12. Default: 0.</summary>
    public int CompressionLevel { get; init; }

    /// <summary>Whether segments are encrypted with the current key of <see cref="JournalOptions.Keys"/>, also those that were packed
    /// without. What is encrypted keeps its key. The newest segments, which are still mapped, are not encrypted. Default: no.</summary>
    public bool Encrypt { get; init; }

    /// <summary>Where segments go when they are no longer hot. Default: they stay.</summary>
    public JournalTier? Cool { get; init; }

    /// <summary>Where they go after that. Default: nowhere.</summary>
    public JournalTier? Cold { get; init; }

    /// <summary>How long records are kept after they were appended. A segment is removed when its last record is older, and no named reader
    /// needs it; before that nothing of it is. Default: for ever.</summary>
    public TimeSpan? RetainFor { get; init; }

    /// <summary>How many bytes all segment files may take; while they take more the oldest segments are removed that no named reader
    /// needs. The newest ones always stay. Default: no limit.</summary>
    public long? RetainBytes { get; init; }

    /// <summary>How often all that is looked after in the background. Default: one minute; from 10 ms to one day.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Checks all values.</summary>
    /// <exception cref="ArgumentException">One is out of its range.</exception>
    internal JournalMaintenance Validated(IJournalKeyProvider? keys)
    {
        Require(Enum.IsDefined(Compression), nameof(Compression), $"is {(int)Compression}; it must be None, Lz4 or Snappy");
        Require(CompressionLevel is >= 0 and <= BlockCodec.MaxLevel, nameof(CompressionLevel),
            $"is {CompressionLevel}; it must be from 0 to {BlockCodec.MaxLevel}");
        Require(!Encrypt || keys is not null, nameof(Encrypt), $"needs keys: give them in {nameof(JournalOptions)}.Keys");
        Require(RetainFor is null || RetainFor > TimeSpan.Zero, nameof(RetainFor), $"is {RetainFor}; it must be longer than zero");
        Require(RetainBytes is null or > 0, nameof(RetainBytes), $"is {RetainBytes}; it must be at least 1");
        Require(Interval >= MinInterval && Interval <= MaxInterval, nameof(Interval),
            $"is {Interval}; it must be from {MinInterval} to {MaxInterval}");
        Require(Cool is null || IsTier(Cool), nameof(Cool), "needs a directory and a time that is not negative");
        Require(Cold is null || IsTier(Cold), nameof(Cold), "needs a directory and a time that is not negative");
        Require(Cool is null || Cold is null || Cold.After >= Cool.After, nameof(Cold),
            $"begins after {Cold?.After}, which must not be sooner than Cool, after {Cool?.After}");
        return this;
    }

    private static bool IsTier(JournalTier tier) => !string.IsNullOrEmpty(tier.Directory) && tier.After >= TimeSpan.Zero;

    private static void Require(bool condition, string name, string what)
    {
        if (!condition)
            throw new ArgumentException($"{nameof(JournalMaintenance)}.{name} {what}.", name);
    }
}

/// <summary>A folder for older segments.</summary>
/// <param name="Directory">The folder, for this journal alone: another directory, and, if one likes, another disk. A relative path begins
/// in the journal's directory. It is created when it is needed. It is written down in the journal, so that everybody who opens it finds the
/// segments there.</param>
/// <param name="After">How old the last record of a segment is before the segment goes there.</param>
public sealed record JournalTier(string Directory, TimeSpan After);
