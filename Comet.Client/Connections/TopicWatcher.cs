using Comet.Wire;
using Microsoft.Extensions.Logging;

namespace Comet.Client.Connections;

/// <summary>The topics that producers and consumers of a client use, and how many partitions each of them is known to have: by the look-up
/// at the start, by the broker's notices, and by a look-up over each new connection, which may have missed a notice.</summary>
internal sealed class TopicWatcher
{
    private readonly Lock _gate = new();
    private readonly List<TopicWatch> _watches = [];

    /// <summary>Begins before the topic is looked up, so that nothing is missed.</summary>
    public TopicWatch Watch(string topic)
    {
        var watch = new TopicWatch(this, topic);
        lock (_gate)
            _watches.Add(watch);
        return watch;
    }

    public void Remove(TopicWatch watch)
    {
        lock (_gate)
            _watches.Remove(watch);
    }

    /// <summary>The broker says how many partitions a topic has.</summary>
    public void Learn(string topic, int partitionCount)
    {
        TopicWatch[] concerned;
        lock (_gate)
            concerned = [.. _watches.Where(w => string.Equals(w.Topic, topic, StringComparison.Ordinal))];
        foreach (var watch in concerned)
            watch.Learn(partitionCount);
    }

    /// <summary>Asks over a new connection how many partitions each topic has; from then on the broker tells.</summary>
    public async Task LookAgainAsync(Link link, Connection connection)
    {
        string[] topics;
        lock (_gate)
            topics = [.. _watches.Select(static w => w.Topic).Distinct(StringComparer.Ordinal)];
        foreach (var topic in topics)
        {
            try
            {
                var location = await link.RequestAsync<LookupTopicFrame, TopicLocationFrame>(
                    connection, new(topic, true), null, CancellationToken.None);
                Learn(topic, location.PartitionCount);
            }
            catch (CometException e)
            {
                // Its producers and consumers attach over the same connection and hear of whatever is wrong.
                TopicWatcherLog.NotLookedUp(link.Logger, topic, e.Code, e.Message);
            }
        }
    }
}

/// <summary>One user's interest in a topic.</summary>
internal sealed class TopicWatch(TopicWatcher watcher, string topic) : IDisposable
{
    private readonly Lock _gate = new();
    private Action<int>? _grow;
    private int _partitionCount;

    public string Topic { get; } = topic;

    /// <summary>From here on <paramref name="grow"/> is told of more partitions than were known before, at once if there are.</summary>
    public void Listen(Action<int> grow)
    {
        int known;
        lock (_gate)
        {
            _grow = grow;
            known = _partitionCount;
        }
        if (known > 0)
            grow(known);
    }

    public void Learn(int partitionCount)
    {
        Action<int>? grow;
        lock (_gate)
        {
            if (partitionCount <= _partitionCount)
                return;
            _partitionCount = partitionCount;
            grow = _grow;
        }
        grow?.Invoke(partitionCount);
    }

    public void Dispose() => watcher.Remove(this);
}

internal static partial class TopicWatcherLog
{
    [LoggerMessage(1151, LogLevel.Warning, "Topic {Topic} could not be looked up over a new connection: {Code}: {Reason}")]
    public static partial void NotLookedUp(ILogger logger, string topic, ErrorCode code, string reason);
}
