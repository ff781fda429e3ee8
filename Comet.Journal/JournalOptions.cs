using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals;

/// <summary>Who may have a journal open beside the one that opens it.</summary>
public enum JournalAccess
{
    /// <summary>Any number of processes write and read it at once.</summary>
    Shared,

    /// <summary>No other process may have it open for writing; others may read it.</summary>
    Exclusive,

    /// <summary>It is only read: nothing in its directory is created or changed, and the rights to write there are not needed.</summary>
    ReadOnly
}

/// <summary>How a journal is laid out and how it behaves here. Immutable; checked when a journal is opened.</summary>
/// <remarks>What is said to be stored is written down when the journal is created and holds for everybody who opens it later: their own
/// values are ignored, and <see cref="OptionsIgnored"/> is told.</remarks>
public sealed record JournalOptions
{
    /// <summary>64 MiB.</summary>
    public const long DefaultMaxSegmentLength = 64L * 1024 * 1024;

    /// <summary>1 MiB.</summary>
    public const long DefaultFirstSegmentLength = 1024 * 1024;

    /// <summary>112.</summary>
    public const int DefaultMaxWriters = 112;

    /// <summary>1 MiB.</summary>
    public const long DefaultFlushLength = 1024 * 1024;

    private const int MaxFlushInterval = 3_600_000;
    private const long MinFlushLength = 4096;

    /// <summary>When a new segment is begun, beside when one is full. Stored. Default: <see cref="Journals.RollCycle.Day"/>.</summary>
    public RollCycle RollCycle { get; init; } = RollCycle.Day;

    /// <summary>The length of the first segment, in bytes; each next one is up to four times as long, while they fill up, until
    /// <see cref="MaxSegmentLength"/>. Stored. Default: 1 MiB; from 16 KiB.</summary>
    public long FirstSegmentLength { get; init; } = DefaultFirstSegmentLength;

    /// <summary>The most bytes of a segment, except where one record needs more. Stored. Default: 64 MiB; from
    /// <see cref="FirstSegmentLength"/> to 1 GiB.</summary>
    public long MaxSegmentLength { get; init; } = DefaultMaxSegmentLength;

    /// <summary>The longest record, in bytes. Stored. Default and at most 64 MiB.</summary>
    public int MaxRecordLength { get; init; } = RecordLayout.MaxBodyLength;

    /// <summary>How many writers may exist at once, in all processes together. Stored. Default: 112; at most 4,088.</summary>
    public int MaxWriters { get; init; } = DefaultMaxWriters;

    /// <summary>Who else may have the journal open. Default: <see cref="JournalAccess.Shared"/>.</summary>
    public JournalAccess Access { get; init; } = JournalAccess.Shared;

    /// <summary>How long what was appended at <see cref="JournalDurability.Os"/> may wait for its flush. Default: 50 ms; from 1 ms to 1
    /// h.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>How many bytes may wait for their flush; more are flushed before <see cref="FlushInterval"/> is over. Default:
    /// 1 MiB; from 4 KiB.</summary>
    public long FlushLength { get; init; } = DefaultFlushLength;

    /// <summary>Whether readers check the checksum of every record. Default: true.</summary>
    public bool VerifyChecksums { get; init; } = true;

    /// <summary>How long opening waits while another process recovers the journal. Default: 30 s.</summary>
    public TimeSpan OpenTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock for timestamps and roll cycles. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Called with a sentence when the journal exists and its stored options differ from these. Default: nobody
    /// is told.</summary>
    public Action<string>? OptionsIgnored { get; init; }

    /// <summary>The keys of encrypted segments, to read them and to encrypt more. Default: none; encrypted segments cannot be read
    /// then.</summary>
    public IJournalKeyProvider? Keys { get; init; }

    /// <summary>What is done with old segments in the background, while the journal is open here to write; one process at a time does it,
    /// whichever comes first. Default: nothing.</summary>
    public JournalMaintenance? Maintenance { get; init; }

    /// <summary>Called with what this process does to segments, on the thread pool, one call after the other, in order, and after it has
    /// happened; nothing waits for it. What it throws goes to <see cref="System.Diagnostics.Trace"/> and nowhere else. Calls may still come
    /// shortly after the journal is disposed. Default: nobody is told.</summary>
    public Action<JournalEvent>? EventOccurred { get; init; }

    /// <summary>Checks all values.</summary>
    /// <exception cref="ArgumentException">One is out of its range; the message names it, its value and the range.</exception>
    internal JournalOptions Validated()
    {
        Require(nameof(FirstSegmentLength), FirstSegmentLength, SegmentLayout.MinFileLength, SegmentLayout.MaxFileLength);
        Require(nameof(MaxSegmentLength), MaxSegmentLength, FirstSegmentLength, SegmentLayout.MaxFileLength);
        Require(nameof(MaxRecordLength), MaxRecordLength, 0, RecordLayout.MaxBodyLength);
        Require(nameof(MaxWriters), MaxWriters, 1, ControlFile.MaxSlots - ControlFile.FlushSlots);
        Require(nameof(FlushInterval), FlushInterval.TotalMilliseconds, 1, MaxFlushInterval, " ms");
        Require(nameof(FlushLength), FlushLength, MinFlushLength, SegmentLayout.MaxFileLength);
        Require(nameof(OpenTimeout), OpenTimeout.TotalMilliseconds, 0, int.MaxValue, " ms");
        ArgumentNullException.ThrowIfNull(RollCycle, nameof(RollCycle));
        ArgumentNullException.ThrowIfNull(TimeProvider, nameof(TimeProvider));
        _ = Maintenance?.Validated(Keys);
        return this;
    }

    private static void Require(string name, double value, double least, double most, string unit = "")
    {
        if (value < least || value > most)
            throw new ArgumentException($"{name} is {value:0}{unit}; it must be from {least:0}{unit} to {most:0}{unit}.", name);
    }
}
