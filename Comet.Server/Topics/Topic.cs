using Comet.Server.Broker;

namespace Comet.Server.Topics;

/// <summary>A topic as it is at one moment: the owners of its partitions, and its policy.</summary>
internal sealed record Topic(string Name, IReadOnlyList<PartitionActor> Partitions, TopicPolicy Policy)
{
    /// <summary>The topic in a listing. Asks the owners nothing: what they do is not held up, and nothing is opened.</summary>
    public TopicSummary Summarize()
    {
        var summary = new TopicSummary(Name, Partitions.Count);
        var (messages, bytes) = (0L, 0L);
        foreach (var partition in Partitions)
        {
            if (partition.KnownSize is not { } size)
                return summary;
            messages += size.Messages;
            bytes += size.Bytes;
        }
        return summary with { Messages = messages, Bytes = bytes };
    }
}
