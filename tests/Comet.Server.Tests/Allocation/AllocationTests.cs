namespace Comet.Server.Tests.Allocation;

/// <summary>Tests that count what the process allocates run alone.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
public sealed class AllocationTests;
