using Comet.Journals;

namespace Comet.Server;

/// <summary>How a broker keeps its data in a directory. Immutable; checked when the broker is created.</summary>
public sealed record LocalStorageOptions
{
    /// <summary>64 KiB: the first segment of a partition, so that quiet ones take little.</summary>
    internal const long FirstSegmentLength = 64 * 1024;

    /// <summary>The directory, which is made when it is missing. One process at a time uses it.</summary>
    public required string Directory { get; init; }

    /// <summary>The most bytes of a segment of a partition, but for a message that needs more. Space comes back by whole segments.
    /// Default: 64 MiB; from 16 KiB to 1 GiB.</summary>
    public long MaxSegmentLength { get; init; } = 64L * 1024 * 1024;

    /// <summary>How many partitions have their files open at the same time; the longest unused are closed. Default: 1,024.</summary>
    public int MaxOpenPartitions { get; init; } = 1024;

    /// <summary>The memory, in bytes, for what is read ahead from the disk for consumers that are behind, over all partitions and beside
    /// <see cref="CometServerOptions.MemoryLimit"/>. Each that reads at a place of its own takes 512 KiB of it; where it is used up, they
    /// are read for without it, one wait for the disk for each batch. Default: 32 MiB.</summary>
    public long ReadAheadLimit { get; init; } = 32L * 1024 * 1024;

    /// <summary>How long what was confirmed at <see cref="Durability.Os"/> may wait for its flush to the disk. Default: 50 ms.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How many bytes of a partition may wait for their flush. Default: 1 MiB.</summary>
    public long FlushLength { get; init; } = 1024 * 1024;

    /// <summary>How long an ack that wants no confirm may wait to be saved. Default: 100 ms.</summary>
    public TimeSpan AckInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How older messages are compressed where their topic does not say (<see cref="TopicPolicy.StorageCompression"/>). Only
    /// segments are that nobody writes any more. Default: <see cref="CompressionType.None"/>.</summary>
    public CompressionType Compression { get; init; }

    /// <summary>How hard LZ4 tries, from 0 (fast) to 12 (small). Default: 0.</summary>
    public int CompressionLevel { get; init; }

    /// <summary>The keys of encrypted messages. They have to be given as long as the directory lives, also those that are no longer
    /// current: a broker without a key that it needs does not start. Default: none, and nothing is encrypted.</summary>
    public IJournalKeyProvider? Keys { get; init; }

    /// <summary>Whether segments that nobody writes any more are encrypted with the current key of <see cref="Keys"/>, with AES-256-GCM.
    /// The newest segment of each partition and the metadata are not. Default: true, where there are keys.</summary>
    public bool Encrypt { get; init; } = true;

    /// <summary>Where older messages go. Default: they stay.</summary>
    public LocalStorageTier? Cool { get; init; }

    /// <summary>Where they go after that. Default: nowhere.</summary>
    public LocalStorageTier? Cold { get; init; }

    /// <summary>How often it is looked for segments to compress, encrypt or move; one thread does so for all partitions. Default: one
    /// minute; from 10 ms to one day.</summary>
    public TimeSpan UpkeepInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Called while partitions are recovered that a crash has left open, from any thread: how many are done, and of how many.
    /// Default: nobody is told.</summary>
    public Action<int, int>? Recovering { get; init; }

    /// <summary>Checks all values.</summary>
    /// <exception cref="ArgumentException">One is out of its range; the message names it, its value and the range.</exception>
    internal LocalStorageOptions Validated()
    {
        if (string.IsNullOrWhiteSpace(Directory))
            throw new ArgumentException($"{nameof(Directory)} is empty; it must name the directory for the data.", nameof(Directory));
        Require(nameof(MaxSegmentLength), MaxSegmentLength, 16 * 1024, 1L << 30);
        Require(nameof(MaxOpenPartitions), MaxOpenPartitions, 1, 100_000);
        Require(nameof(ReadAheadLimit), ReadAheadLimit, 0, 1L << 40);
        Require(nameof(FlushInterval), FlushInterval.TotalMilliseconds, 1, 3_600_000, " ms");
        Require(nameof(FlushLength), FlushLength, 4096, 1L << 30);
        Require(nameof(AckInterval), AckInterval.TotalMilliseconds, 1, 3_600_000, " ms");
        Require(nameof(Compression), (int)Compression, 0, (int)CompressionType.Snappy);
        Require(nameof(CompressionLevel), CompressionLevel, 0, 12);
        Require(nameof(UpkeepInterval), UpkeepInterval.TotalMilliseconds, 10, 24 * 3_600_000, " ms");
        RequireTier(nameof(Cool), Cool);
        RequireTier(nameof(Cold), Cold);
        if (Cool is not null && Cold is not null && (Cold.After < Cool.After || PathOf(Cold) == PathOf(Cool)))
        {
            throw new ArgumentException($"{nameof(Cold)} ({Cold.Directory}, after {Cold.After}) has to be another directory than "
                + $"{nameof(Cool)} ({Cool.Directory}, after {Cool.After}), and not sooner.", nameof(Cold));
        }
        return this;
    }

    private static string PathOf(LocalStorageTier tier) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(tier.Directory));

    private void RequireTier(string name, LocalStorageTier? tier)
    {
        if (tier is null)
            return;
        if (string.IsNullOrWhiteSpace(tier.Directory) || tier.After < TimeSpan.Zero)
            throw new ArgumentException($"{name} needs a directory and an age that is not negative.", name);
        if (PathOf(tier) == Path.TrimEndingDirectorySeparator(Path.GetFullPath(Directory)))
            throw new ArgumentException($"{name} is the directory of the data, {tier.Directory}; it must be another one.", name);
    }

    private static void Require(string name, double value, double least, double most, string unit = "")
    {
        if (value < least || value > most)
            throw new ArgumentException($"{name} is {value:0}{unit}; it must be from {least:0}{unit} to {most:0}{unit}.", name);
    }
}
