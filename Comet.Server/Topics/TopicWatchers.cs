using Comet.Server.Broker;
using Comet.Wire;

namespace Comet.Server.Topics;

/// <summary>Who has looked a topic up and is told when it grows. Guarded by its own lock.</summary>
internal sealed class TopicWatchers
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, HashSet<IPeer>> _byTopic = new(StringComparer.Ordinal);
    private readonly Dictionary<IPeer, HashSet<string>> _byPeer = [];

    public void Add(string topic, IPeer peer)
    {
        lock (_gate)
        {
            GetOrAdd(_byTopic, topic).Add(peer);
            GetOrAdd(_byPeer, peer).Add(topic);
        }
    }

    /// <summary>The connection has ended.</summary>
    public void Remove(IPeer peer)
    {
        lock (_gate)
        {
            if (!_byPeer.Remove(peer, out var topics))
                return;
            foreach (var topic in topics)
            {
                if (_byTopic.TryGetValue(topic, out var peers) && peers.Remove(peer) && peers.Count == 0)
                    _byTopic.Remove(topic);
            }
        }
    }

    /// <summary>The topic is deleted.</summary>
    public void Remove(string topic)
    {
        lock (_gate)
        {
            if (!_byTopic.Remove(topic, out var peers))
                return;
            foreach (var peer in peers)
                _byPeer.GetValueOrDefault(peer)?.Remove(topic);
        }
    }

    public void Tell(string topic, int partitionCount)
    {
        IPeer[] peers;
        lock (_gate)
            peers = _byTopic.TryGetValue(topic, out var watching) ? [.. watching] : [];
        foreach (var peer in peers)
            peer.Send(new TopicChangedFrame(topic, partitionCount));
    }

    private static HashSet<TItem> GetOrAdd<TKey, TItem>(Dictionary<TKey, HashSet<TItem>> sets, TKey key)
        where TKey : notnull
    {
        if (!sets.TryGetValue(key, out var set))
            sets.Add(key, set = []);
        return set;
    }
}
