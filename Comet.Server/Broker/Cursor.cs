using System.Numerics;

namespace Comet.Server.Broker;

/// <summary>What of a cursor has to be kept: all below <paramref name="AckedUpTo"/> is acked, and these ranges above it.</summary>
internal sealed record CursorState(long AckedUpTo, IReadOnlyList<OffsetRange> Acked);

/// <summary>The progress of a subscription in one partition: all below <see cref="AckedUpTo"/> is acked, and some offsets above it, a bit
/// for each in pages of 4,096. A page that is acked whole costs a reference; acks in order touch no page at all.</summary>
internal sealed class Cursor
{
    private const int PageShift = 12;
    private const int PageSize = 1 << PageShift;
    private const int MaxSpare = 16;

    // Stands for every page that is acked whole.
    private static readonly AckPage s_full = AckPage.CreateFull();

    private readonly PageRing<AckPage> _pages = new();
    private readonly Stack<AckPage> _spare = new();

    public Cursor(long start) => AckedUpTo = start;

    public Cursor(CursorState state)
        : this(state.AckedUpTo)
    {
        foreach (var range in state.Acked)
            Ack(range);
    }

    /// <summary>The first offset that is not acked.</summary>
    public long AckedUpTo { get; private set; }

    /// <summary>Grows with every change.</summary>
    public long Version { get; private set; }

    /// <summary>How many offsets above <see cref="AckedUpTo"/> are acked.</summary>
    public long AckedAbove { get; private set; }

    /// <summary>What has to be kept for <see cref="Cursor(CursorState)"/> to go on from.</summary>
    public CursorState Save()
    {
        var ranges = new List<OffsetRange>();
        for (var first = NextSet(AckedUpTo, long.MaxValue); first != long.MaxValue; first = NextSet(ranges[^1].Last + 1, long.MaxValue))
            ranges.Add(new(first, NextClear(first) - 1));
        return new(AckedUpTo, ranges);
    }

    /// <summary>Acks a range; returns how many of its offsets were not acked before.</summary>
    public long Ack(OffsetRange range)
    {
        var first = Math.Max(range.First, AckedUpTo);
        if (range.Last < first)
            return 0;
        Version++;
        if (first == AckedUpTo && AckedAbove == 0)
        {
            AckedUpTo = range.Last + 1;
            return AckedUpTo - first;
        }
        var added = Set(first, range.Last);
        AckedAbove += added;
        if (first == AckedUpTo)
            MoveOver();
        return added;
    }

    /// <summary>Moves up to an offset, acking all below it.</summary>
    public void SkipTo(long offset)
    {
        if (offset > AckedUpTo)
            Ack(new(AckedUpTo, offset - 1));
    }

    /// <summary>Begins anew at an offset, which may lie below: what was acked from there on is not acked any more.</summary>
    public void Reset(long offset)
    {
        for (; _pages.First < _pages.End; _pages.Remove(_pages.First))
            Spare(_pages[_pages.First]);
        (AckedUpTo, AckedAbove, Version) = (offset, 0, Version + 1);
    }

    /// <summary>From <paramref name="offset"/> on, the next stretch of offsets that are not acked. It ends at
    /// <paramref name="limit"/> at the latest.</summary>
    public OffsetRange NextUnacked(long offset, long limit = long.MaxValue)
    {
        var first = NextClear(Math.Max(offset, AckedUpTo));
        var next = NextSet(first, limit);
        return new(first, next == long.MaxValue ? Math.Max(first, limit) : next - 1);
    }

    public bool IsAcked(long offset) =>
        offset < AckedUpTo || (_pages[offset >> PageShift] is { } page && page.IsSet((int)(offset & (PageSize - 1))));

    private long Set(long first, long last)
    {
        var added = 0L;
        for (var at = first; at <= last; at = ((at >> PageShift) + 1) << PageShift)
        {
            var number = at >> PageShift;
            var page = _pages[number];
            if (page == s_full)
                continue;
            var from = (int)(at & (PageSize - 1));
            var to = (int)Math.Min(last - (number << PageShift), PageSize - 1);
            if (page is null && to - from == PageSize - 1)
            {
                _pages.Put(number, s_full);
                added += PageSize;
                continue;
            }
            if (page is null)
                _pages.Put(number, page = _spare.TryPop(out var spare) ? spare : new AckPage());
            added += page.Set(from, to);
            if (page.Count == PageSize)
            {
                _pages.Put(number, s_full);
                Spare(page);
            }
        }
        return added;
    }

    /// <summary>Moves <see cref="AckedUpTo"/> over what is acked above it, and drops the pages that are behind it then.</summary>
    private void MoveOver()
    {
        while (AckedAbove > 0)
        {
            var number = AckedUpTo >> PageShift;
            if (_pages[number] is not { } page)
                return;
            var clear = page == s_full ? PageSize : page.NextClear((int)(AckedUpTo & (PageSize - 1)));
            var stop = (number << PageShift) + clear;
            AckedAbove -= stop - AckedUpTo;
            AckedUpTo = stop;
            if (AckedAbove > 0 && clear < PageSize)
                return;
            Spare(page);
            _pages.Remove(number);
        }
    }

    private long NextClear(long offset)
    {
        while (_pages[offset >> PageShift] is { } page)
        {
            if (page != s_full && page.NextClear((int)(offset & (PageSize - 1))) is var found and < PageSize)
                return (offset & ~(long)(PageSize - 1)) + found;
            offset = ((offset >> PageShift) + 1) << PageShift;
        }
        return offset;
    }

    /// <summary>The next acked offset up to <paramref name="limit"/>; <see cref="long.MaxValue"/> when there is none.</summary>
    private long NextSet(long offset, long limit)
    {
        if (AckedAbove == 0)
            return long.MaxValue;
        for (var number = Math.Max(offset >> PageShift, _pages.First); number < _pages.End && number <= limit >> PageShift; number++)
        {
            var from = number == offset >> PageShift ? (int)(offset & (PageSize - 1)) : 0;
            if (_pages[number] is not { } page || page.NextSet(from) is not (var found and < PageSize))
                continue;
            var next = (number << PageShift) + found;
            return next <= limit ? next : long.MaxValue;
        }
        return long.MaxValue;
    }

    private void Spare(AckPage? page)
    {
        if (page is null || page == s_full || _spare.Count == MaxSpare)
            return;
        page.Clear();
        _spare.Push(page);
    }

    /// <summary>A bit for each of 4,096 offsets.</summary>
    private sealed class AckPage
    {
        private readonly ulong[] _words = new ulong[PageSize / BlockMask.Size];

        public int Count { get; private set; }

        public static AckPage CreateFull()
        {
            var page = new AckPage { Count = PageSize };
            Array.Fill(page._words, ulong.MaxValue);
            return page;
        }

        public void Clear()
        {
            Array.Clear(_words);
            Count = 0;
        }

        public bool IsSet(int index) => (_words[index / BlockMask.Size] >> (index % BlockMask.Size) & 1) != 0;

        /// <summary>Sets the bits of a range; returns how many of them were not set.</summary>
        public int Set(int first, int last)
        {
            var added = 0;
            for (var word = first / BlockMask.Size; word <= last / BlockMask.Size; word++)
            {
                var start = word * BlockMask.Size;
                var mask = BlockMask.Of(Math.Max(first - start, 0), Math.Min(last - start, BlockMask.Size - 1));
                added += BitOperations.PopCount(mask & ~_words[word]);
                _words[word] |= mask;
            }
            Count += added;
            return added;
        }

        /// <summary>The first index from <paramref name="from"/> on whose bit is not set; the page's size when all are.</summary>
        public int NextClear(int from) => Next(from, ulong.MaxValue);

        /// <summary>The first index from <paramref name="from"/> on whose bit is set; the page's size when none is.</summary>
        public int NextSet(int from) => Next(from, 0);

        private int Next(int from, ulong flip)
        {
            var mask = ulong.MaxValue << (from % BlockMask.Size);
            for (var word = from / BlockMask.Size; word < _words.Length; word++, mask = ulong.MaxValue)
            {
                if (((_words[word] ^ flip) & mask) is var found and not 0)
                    return (word * BlockMask.Size) + BitOperations.TrailingZeroCount(found);
            }
            return PageSize;
        }
    }
}
