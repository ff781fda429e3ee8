using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Comet.Server.Broker;
using Comet.Server.Topics;

namespace Comet.Server.DeadLetters;

/// <summary>Takes dead letters of all partitions to their topics, with one producer for each subscription and partition.</summary>
internal sealed class DeadLetterOffice(TopicRegistry topics) : IDeadLetterPort
{
    private const int HashBytes = 12;

    private readonly ConcurrentDictionary<(string Topic, string Source), DeadLetterProducer> _producers = new();

    public void HandOver(string topic, IReadOnlyList<DeadLetter> letters, Action<PartitionCommand> answer)
    {
        var first = letters[0];
        var source = $"{first.Topic}-{first.Partition}/{first.Source.Name}";
        var producer = _producers.GetOrAdd((topic, source), static (key, all) => new DeadLetterProducer(
            all, key.Topic, NameOf(key.Source)), topics);
        producer.Enqueue(letters, answer);
    }

    // Stable, so that a producer that comes again is known by its sequence ids, and short whatever the names are.
    private static string NameOf(string source) =>
        $"dead-letters-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(source)).AsSpan(0, HashBytes))}";
}
