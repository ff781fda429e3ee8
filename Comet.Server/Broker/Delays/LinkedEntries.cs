namespace Comet.Server.Broker;

/// <summary>The memory of many short lists: entries that name the next one, in blocks that never move. What is taken is used
/// again.</summary>
internal sealed class LinkedEntries
{
    private const int BlockShift = 10;
    private const int BlockMask = (1 << BlockShift) - 1;

    private readonly List<(DueOffset Entry, int Next)[]> _blocks = [];
    private int _used;
    private int _free = -1;

    public int Count { get; private set; }

    public DueOffset this[int at] => _blocks[at >> BlockShift][at & BlockMask].Entry;

    public int Next(int at) => _blocks[at >> BlockShift][at & BlockMask].Next;

    /// <summary>Adds an entry in front of <paramref name="next"/> (-1: none) and returns where it is.</summary>
    public int Add(DueOffset entry, int next)
    {
        var at = _free;
        if (at >= 0)
            _free = Next(at);
        else if ((at = _used++) >> BlockShift == _blocks.Count)
            _blocks.Add(new (DueOffset, int)[1 << BlockShift]);
        _blocks[at >> BlockShift][at & BlockMask] = (entry, next);
        Count++;
        return at;
    }

    /// <summary>Takes an entry out; its place is used again.</summary>
    public (DueOffset Entry, int Next) Take(int at)
    {
        ref var place = ref _blocks[at >> BlockShift][at & BlockMask];
        var taken = place;
        place.Next = _free;
        _free = at;
        if (--Count == 0)
            Clear();
        return taken;
    }

    /// <summary>Empties it and gives the memory back.</summary>
    public void Clear()
    {
        _blocks.Clear();
        (_used, _free, Count) = (0, -1, 0);
    }
}
