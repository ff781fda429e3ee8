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
        return this;
    }

    private static void Require(string name, double value, double least, double most, string unit = "")
    {
        if (value < least || value > most)
            throw new ArgumentException($"{name} is {value:0}{unit}; it must be from {least:0}{unit} to {most:0}{unit}.", name);
    }
}
