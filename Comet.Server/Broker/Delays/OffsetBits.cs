using System.Numerics;

namespace Comet.Server.Broker;

/// <summary>A set of offsets as one bit each, in pages that exist only where bits are set.</summary>
internal sealed class OffsetBits
{
    private const int PageShift = 12;
    private const int PageMask = (1 << PageShift) - 1;
    private const int WordsPerPage = 1 << (PageShift - 6);

    private readonly PageRing<Page> _pages = new();

    /// <summary>How many offsets are in the set.</summary>
    public long Count { get; private set; }

    /// <summary>The lowest offset of the set; <see cref="long.MaxValue"/> when it is empty.</summary>
    public long First => NextSet(0);

    public bool Contains(long offset) =>
        _pages[offset >> PageShift] is { } page && (page.Words[(offset & PageMask) >> 6] & (1UL << (int)(offset & 63))) != 0;

    /// <summary>Adds an offset; false when it was there.</summary>
    public bool Add(long offset)
    {
        var page = _pages[offset >> PageShift];
        if (page is null)
            _pages.Put(offset >> PageShift, page = new Page());
        ref var word = ref page.Words[(offset & PageMask) >> 6];
        var bit = 1UL << (int)(offset & 63);
        if ((word & bit) != 0)
            return false;
        word |= bit;
        page.Count++;
        Count++;
        return true;
    }

    /// <summary>Removes an offset; false when it was not there.</summary>
    public bool Remove(long offset)
    {
        if (_pages[offset >> PageShift] is not { } page)
            return false;
        ref var word = ref page.Words[(offset & PageMask) >> 6];
        var bit = 1UL << (int)(offset & 63);
        if ((word & bit) == 0)
            return false;
        word &= ~bit;
        Count--;
        if (--page.Count == 0)
            _pages.Remove(offset >> PageShift);
        return true;
    }

    /// <summary>The first offset of the set at or above <paramref name="offset"/>; <see cref="long.MaxValue"/> when there is
    /// none.</summary>
    public long NextSet(long offset)
    {
        offset = Math.Max(offset, _pages.First << PageShift);
        for (; offset >> PageShift < _pages.End; offset = ((offset >> PageShift) + 1) << PageShift)
        {
            if (_pages[offset >> PageShift]?.NextSet((int)(offset & PageMask)) is >= 0 and var bit)
                return (offset & ~(long)PageMask) + bit;
        }
        return long.MaxValue;
    }

    /// <summary>The first offset at or above <paramref name="offset"/> that is not in the set.</summary>
    public long NextClear(long offset)
    {
        for (; _pages[offset >> PageShift] is { } page; offset = ((offset >> PageShift) + 1) << PageShift)
        {
            if (page.NextClear((int)(offset & PageMask)) is >= 0 and var bit)
                return (offset & ~(long)PageMask) + bit;
        }
        return offset;
    }

    /// <summary>How many offsets of the set are at or above <paramref name="offset"/>.</summary>
    public long CountFrom(long offset)
    {
        if (offset <= _pages.First << PageShift)
            return Count;
        var count = 0L;
        for (var number = offset >> PageShift; number < _pages.End; number++)
        {
            if (_pages[number] is not { } page)
                continue;
            count += number == offset >> PageShift ? page.CountFrom((int)(offset & PageMask)) : page.Count;
        }
        return count;
    }

    /// <summary>Another set with the same offsets.</summary>
    public OffsetBits Copy()
    {
        var copy = new OffsetBits { Count = Count };
        for (var number = _pages.First; number < _pages.End; number++)
        {
            if (_pages[number] is { } page)
                copy._pages.Put(number, page.Copy());
        }
        return copy;
    }

    /// <summary>Removes what lies below <paramref name="offset"/>.</summary>
    public void RemoveBelow(long offset)
    {
        for (var first = First; first < offset; first = NextSet(first))
            Remove(first);
    }

    private sealed class Page
    {
        public ulong[] Words { get; private init; } = new ulong[WordsPerPage];

        public int Count { get; set; }

        public Page Copy() => new() { Words = [.. Words], Count = Count };

        public int NextSet(int from) => Next(from, invert: false);

        public int NextClear(int from) => Count > PageMask ? -1 : Next(from, invert: true);

        public int CountFrom(int from)
        {
            var mask = ulong.MaxValue << (from & 63);
            var count = 0;
            for (var i = from >> 6; i < WordsPerPage; i++, mask = ulong.MaxValue)
                count += BitOperations.PopCount(Words[i] & mask);
            return count;
        }

        private int Next(int from, bool invert)
        {
            var mask = ulong.MaxValue << (from & 63);
            for (var i = from >> 6; i < WordsPerPage; i++)
            {
                var word = (invert ? ~Words[i] : Words[i]) & mask;
                if (word != 0)
                    return (i << 6) + BitOperations.TrailingZeroCount(word);
                mask = ulong.MaxValue;
            }
            return -1;
        }
    }
}
