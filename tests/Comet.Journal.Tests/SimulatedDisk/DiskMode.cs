namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>How good a simulated disk is.</summary>
internal enum DiskMode
{
    /// <summary>What it says it has it has.</summary>
    Honest,

    /// <summary>Now and then a flush fails, and says so.</summary>
    FailingFlushes,

    /// <summary>Flushes say that all is well and do nothing.</summary>
    Lying
}
