using System.Numerics;

namespace Comet.Server.Broker;

/// <summary>Pages of a long row by their number, of which only a window is there: finding, putting and taking out one is O(1), wherever
/// it stands. A number without a page costs eight bytes within the window and nothing outside.</summary>
internal sealed class PageRing<TPage>
    where TPage : class
{
    private TPage?[] _slots = new TPage?[8];

    /// <summary>The number of the first page; all below are not there.</summary>
    public long First { get; private set; }

    /// <summary>One more than the number of the last page; equal to <see cref="First"/> when there is none.</summary>
    public long End { get; private set; }

    /// <summary>A page, or null.</summary>
    public TPage? this[long number] => number < First || number >= End ? null : _slots[number & (_slots.Length - 1)];

    public void Put(long number, TPage page)
    {
        if (First == End)
            (First, End) = (number, number);
        var (first, end) = (Math.Min(First, number), Math.Max(End, number + 1));
        if (end - first > _slots.Length)
            Grow(end - first);
        (First, End) = (first, end);
        _slots[number & (_slots.Length - 1)] = page;
    }

    public void Remove(long number)
    {
        if (number < First || number >= End)
            return;
        _slots[number & (_slots.Length - 1)] = null;
        while (First < End && this[First] is null)
            First++;
        while (First < End && this[End - 1] is null)
            End--;
    }

    private void Grow(long span)
    {
        var slots = new TPage?[BitOperations.RoundUpToPowerOf2((ulong)span)];
        for (var number = First; number < End; number++)
            slots[number & (slots.Length - 1)] = this[number];
        _slots = slots;
    }
}
