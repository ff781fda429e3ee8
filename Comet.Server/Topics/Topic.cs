using Comet.Server.Broker;

namespace Comet.Server.Topics;

/// <summary>A topic and the owners of its partitions.</summary>
internal sealed record Topic(string Name, IReadOnlyList<PartitionActor> Partitions);
