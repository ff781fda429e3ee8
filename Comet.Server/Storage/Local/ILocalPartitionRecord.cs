namespace Comet.Server.Storage.Local;

/// <summary>What is written down about a partition beside its journal. Called by the partition's owner; never blocks.</summary>
internal interface ILocalPartitionRecord
{
    /// <summary>Where the log begins, as it was saved last.</summary>
    long StartOffset { get; }

    /// <summary>The journal was opened.</summary>
    void Opened();

    /// <summary>The journal has something that is not confirmed: the task completes when a crash from now on finds the partition and its
    /// topic. Before, nothing may be confirmed.</summary>
    ValueTask MarkAsync();

    /// <summary>The log begins at another offset; saved some time.</summary>
    void Truncated(long startOffset);

    /// <summary>The journal is closed; saved some time.</summary>
    /// <param name="isWhole">Whether all of it is durable.</param>
    void Closed(bool isWhole);

    /// <summary>The partition's files are gone.</summary>
    void Deleted();
}
