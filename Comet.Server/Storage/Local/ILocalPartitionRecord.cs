using Comet.Server.Storage.Memory;

namespace Comet.Server.Storage.Local;

/// <summary>What is written down about a partition beside its journal. Called by the partition's owner; never blocks.</summary>
internal interface ILocalPartitionRecord
{
    /// <summary>Where the log begins, as it was saved last.</summary>
    long StartOffset { get; }

    /// <summary>Where the log ended when it was closed in peace last.</summary>
    long EndOffset { get; }

    /// <summary>Whether the partition was made in this run, so that an earlier one has left nothing of it. May be asked from any
    /// thread.</summary>
    bool IsNew { get; }

    /// <summary>Whether the partition has ever had something that was confirmed, so that its files must be there.</summary>
    bool HasFiles { get; }

    /// <summary>Whether the disk has room for something new.</summary>
    bool HasRoom { get; }

    /// <summary>Makes some room on a full disk, for what makes more; false when that was done already.</summary>
    bool MakeRoom();

    /// <summary>The journal is about to be opened, or deleted: returns when nobody else has it open.</summary>
    void TakeFiles();

    /// <summary>The memory for what is read ahead, which all partitions share.</summary>
    MemoryBudget ReadAheadBudget { get; }

    /// <summary>Runs what waits for the disk, on another thread. It throws nothing.</summary>
    void Run(Action work);

    /// <summary>Something was read ahead: the owner is to ask for it again. From any thread.</summary>
    void Filled();

    /// <summary>The journal was opened.</summary>
    void Opened();

    /// <summary>The journal has something that is not confirmed: the task completes when a crash from now on finds the partition and its
    /// topic. Before, nothing may be confirmed.</summary>
    ValueTask MarkAsync();

    /// <summary>The log begins at another offset; saved some time.</summary>
    void Truncated(long startOffset);

    /// <summary>The journal is closed; saved some time.</summary>
    /// <param name="isWhole">Whether all of it is durable.</param>
    /// <param name="endOffset">Where it ends: it must not be found to end before.</param>
    void Closed(bool isWhole, long endOffset);

    /// <summary>The partition's files are gone.</summary>
    void Deleted();
}
