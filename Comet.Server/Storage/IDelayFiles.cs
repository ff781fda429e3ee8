using Comet.Server.Broker;

namespace Comet.Server.Storage;

/// <summary>Where a partition keeps what waits for its time and is too much for memory: in runs that are written once and never changed.
/// All of it can be had again from the log.</summary>
internal interface IDelayFiles
{
    /// <summary>Has something done on a thread where it may take its time. What is short does not wait for what is long.</summary>
    void Post(Action work, bool isLong);

    /// <summary>Writes a run; it is durable on return. From any thread; may take a while.</summary>
    /// <exception cref="IOException">It failed, and may be tried again.</exception>
    IDelayRun Write(DelayRunContent content);

    /// <summary>Writes one run of several, without what is not wanted any more; null when nothing is left. From any thread; takes a
    /// while.</summary>
    /// <exception cref="IOException">It failed, and may be tried again.</exception>
    /// <exception cref="CometException">A run is damaged.</exception>
    IDelayRun? Merge(IReadOnlyList<IDelayRun> runs, OffsetBits wanted);

    /// <summary>Opens a run that was written by an earlier process; null when it is not there as it was.</summary>
    IDelayRun? Open(DelayRunName name);

    /// <summary>Removes runs that are not used any more.</summary>
    void Remove(IEnumerable<IDelayRun> runs);

    /// <summary>Removes all runs but some.</summary>
    void RemoveAllBut(IReadOnlyList<DelayRunName> names);
}

/// <summary>What waits for its time, in the order of that, and offsets by the hash of their key. It may know messages that do not wait any
/// more. May be read from any thread.</summary>
internal interface IDelayRun
{
    DelayRunName Name { get; }

    /// <summary>Reads entries in the order of due time and offset, beginning with one; returns how many, which is 0 behind the
    /// last.</summary>
    /// <exception cref="CometException">It is damaged, or cannot be read.</exception>
    int Read(long index, Span<DueOffset> target);

    /// <summary>The index of the first entry that is due at a time or later.</summary>
    /// <exception cref="CometException">It is damaged, or cannot be read.</exception>
    long IndexOf(long due);

    /// <summary>Adds the offsets of a hash.</summary>
    /// <exception cref="CometException">It is damaged, or cannot be read.</exception>
    void CopyKeyed(int hash, List<long> target);
}

/// <summary>What a run is to hold, in any order; who is given it may sort it in place.</summary>
internal readonly record struct DelayRunContent(DueOffset[] Waiting, KeyedOffset[] Keys);

/// <summary>A run, as a point to recover from names it: its number, and how many entries it has by time and by key.</summary>
internal readonly record struct DelayRunName(long Id, long Count, long KeyCount);
