using Comet.Server.Broker;

namespace Comet.Server.Topics;

/// <summary>A topic as it is at one moment: the owners of its partitions, and its policy.</summary>
internal sealed record Topic(string Name, IReadOnlyList<PartitionActor> Partitions, TopicPolicy Policy);
