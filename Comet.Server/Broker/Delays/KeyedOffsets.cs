namespace Comet.Server.Broker;

/// <summary>Offsets by the hash of their message's key. It may know more offsets than asked for: those of other keys with the same hash,
/// and those that do not wait any more. Who asks looks at each.</summary>
internal sealed class KeyedOffsets
{
    private readonly Dictionary<int, int> _heads = [];
    private readonly LinkedEntries _entries = new();

    public long Count => _entries.Count;

    public void Add(int keyHash, long offset) =>
        _heads[keyHash] = _entries.Add(new(keyHash, offset), _heads.GetValueOrDefault(keyHash, -1));

    /// <summary>Copies the offsets of a hash, in ascending order.</summary>
    public void CopyTo(int keyHash, List<long> target)
    {
        for (var at = _heads.GetValueOrDefault(keyHash, -1); at >= 0; at = _entries.Next(at))
            target.Add(_entries[at].Offset);
        target.Sort();
    }

    /// <summary>Copies all that still waits.</summary>
    public void CopyAll(OffsetBits waiting, List<KeyedOffset> target)
    {
        foreach (var (hash, head) in _heads)
        {
            for (var at = head; at >= 0; at = _entries.Next(at))
            {
                if (waiting.Contains(_entries[at].Offset))
                    target.Add(new(hash, _entries[at].Offset));
            }
        }
    }

    /// <summary>Forgets what does not wait any more.</summary>
    public void Compact(OffsetBits waiting)
    {
        var kept = new List<KeyedOffset>();
        CopyAll(waiting, kept);
        _heads.Clear();
        _entries.Clear();
        foreach (var (hash, offset) in kept)
            Add(hash, offset);
    }
}
