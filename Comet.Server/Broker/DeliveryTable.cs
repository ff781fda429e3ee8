using System.Numerics;

namespace Comet.Server.Broker;

/// <summary>Neighbouring messages in the same state.</summary>
internal readonly record struct StateRun(OffsetRange Range, MessageState State);

/// <summary>The messages that a subscription is occupied with: delivered and not acked, or to be delivered again. Eight bytes for each, in
/// blocks of 64 that exist only while one of theirs is occupied; every operation costs O(1) for a message, and much less where
/// neighbours are in the same state, however many there are and however far apart they stand.</summary>
/// <param name="marking">Which messages stand in the row of those to be delivered again.</param>
internal sealed class DeliveryTable(Marking marking)
{
    private const int PageShift = 12;
    private const int MaxSpare = 64;

    private readonly PageRing<Page> _pages = new();
    private readonly PriorityQueue<long, long> _markedPages = new();
    private readonly Stack<Block> _spareBlocks = new();
    private readonly Stack<Page> _sparePages = new();
    private readonly long[] _counts = new long[Enum.GetValues<MessageStage>().Length];

    /// <summary>Told when messages come into a state (a positive number) or leave it (a negative one).</summary>
    public Action<MessageState, int>? Changed { get; init; }

    /// <summary>How many messages are occupied.</summary>
    public long Count { get; private set; }

    public MessageState this[long offset] =>
        new(_pages[offset >> PageShift]?.Blocks[BlockIndex(offset)]?.States[BitIndex(offset)] ?? 0);

    public long CountOf(MessageStage stage) => _counts[(int)stage];

    /// <summary>Puts messages into a state, whatever theirs was.</summary>
    public void Put(OffsetRange range, MessageState state)
    {
        for (var at = range.First; at <= range.Last; at = (at | (BlockMask.Size - 1)) + 1)
        {
            var last = Math.Min(range.Last, at | (BlockMask.Size - 1));
            Put(at >> BlockMask.Shift, BlockMask.Of(BitIndex(at), BitIndex(last)), state);
        }
    }

    /// <summary>Puts some of a block's messages into a state.</summary>
    /// <param name="number">The block: the offset of its first message, shifted.</param>
    /// <param name="mask">Which of them.</param>
    /// <param name="state">The state; not none.</param>
    public void Put(long number, ulong mask, MessageState state)
    {
        var page = GetPage(number >> (PageShift - BlockMask.Shift));
        var index = (int)(number & (BlockMask.Size - 1));
        var block = page.Blocks[index] ??= TakeBlock(page);
        Leave(block, mask & block.Live);
        Fill(block.States, mask, state.Bits);
        block.Live |= mask;
        Count += BitOperations.PopCount(mask);
        Account(state, BitOperations.PopCount(mask));
        block.Marked = IsMarked(state.Stage) ? block.Marked | mask : block.Marked & ~mask;
        Mark(page, index, block.Marked != 0);
    }

    /// <summary>Puts one message into a state, whatever its was.</summary>
    public void PutOne(long offset, MessageState state)
    {
        var page = GetPage(offset >> PageShift);
        var (index, bit) = (BlockIndex(offset), BitIndex(offset));
        var block = page.Blocks[index] ??= TakeBlock(page);
        var before = new MessageState(block.States[bit]);
        if (before.Stage == MessageStage.None)
            Count++;
        else
            Account(before, -1);
        block.States[bit] = state.Bits;
        block.Live |= 1UL << bit;
        Account(state, 1);
        var isMarked = IsMarked(state.Stage);
        if (!isMarked && block.Marked == 0)
            return;
        block.Marked = isMarked ? block.Marked | (1UL << bit) : block.Marked & ~(1UL << bit);
        Mark(page, index, block.Marked != 0);
    }

    /// <summary>Takes messages out that were delivered at least once, acking them; returns how many that were.</summary>
    public long Ack(OffsetRange range, Cursor cursor)
    {
        var acked = 0L;
        var (runFirst, runLast) = (0L, -1L);
        var at = range.First;
        while (TryNextBlock(ref at, range.Last, out var page, out var index, out var first, out var mask))
        {
            var states = page.Blocks[index]!.States;
            for (var left = mask; left != 0;)
            {
                var start = BitOperations.TrailingZeroCount(left);
                var length = Same(states, left, start);
                left &= ~BlockMask.Of(start, start + length - 1);
                if (new MessageState(states[start]).DeliveryCount == 0)
                {
                    mask &= ~BlockMask.Of(start, start + length - 1);
                    continue;
                }
                acked += length;
                if (first + start != runLast + 1)
                {
                    cursor.Ack(new(runFirst, runLast));
                    runFirst = first + start;
                }
                runLast = first + start + length - 1;
            }
            Clear(page, index, mask);
        }
        cursor.Ack(new(runFirst, runLast));
        return acked;
    }

    /// <summary>Takes messages out, whatever their state.</summary>
    public void Remove(OffsetRange range)
    {
        for (var at = range.First; TryNextBlock(ref at, range.Last, out var page, out var index, out _, out var mask);)
            Clear(page, index, mask);
    }

    /// <summary>Copies what is in a stage within a range, a run for neighbours in the same state, until so many are found.</summary>
    public void CopyTo(List<StateRun> target, OffsetRange range, MessageStage stage,
        int? consumer = null, int deliveryCount = 0, long most = long.MaxValue)
    {
        var at = range.First;
        while (most > 0 && TryNextBlock(ref at, range.Last, out var page, out var index, out var first, out var mask))
        {
            var states = page.Blocks[index]!.States;
            for (var left = mask; left != 0;)
            {
                var start = BitOperations.TrailingZeroCount(left);
                var length = Same(states, left, start);
                left &= ~BlockMask.Of(start, start + length - 1);
                var state = new MessageState(states[start]);
                if (state.Stage != stage || (consumer is { } number && state.Consumer != number)
                    || (deliveryCount != 0 && state.DeliveryCount != deliveryCount))
                    continue;
                target.Add(new(new(first + start, first + start + length - 1), state));
                most -= length;
            }
        }
    }

    /// <summary>Copies what is occupied, as another process would have to go on with it: nobody holds it and no delay runs.</summary>
    /// <param name="target">Takes the runs, in the order of offsets.</param>
    /// <param name="most">The most runs.</param>
    public void CopyHeld(List<StateRun> target, int most)
    {
        for (var at = 0L; TryNextBlock(ref at, long.MaxValue, out var page, out var index, out var first, out var mask);)
        {
            var states = page.Blocks[index]!.States;
            for (var left = mask; left != 0;)
            {
                var start = BitOperations.TrailingZeroCount(left);
                var length = Same(states, left, start);
                left &= ~BlockMask.Of(start, start + length - 1);
                var state = new MessageState(states[start]);
                var stage = state.Stage is MessageStage.Released or MessageStage.DeadLettering ? state.Stage : MessageStage.Waiting;
                var run = new StateRun(new(first + start, first + start + length - 1), state.As(stage));
                if (target.Count > 0 && target[^1].Range.Last + 1 == run.Range.First && target[^1].State == run.State)
                    target[^1] = run with { Range = run.Range with { First = target[^1].Range.First } };
                else if (target.Count == most)
                    return;
                else
                    target.Add(run);
            }
        }
    }

    /// <summary>The first message in a stage; -1 when there is none.</summary>
    public long FirstIn(MessageStage stage)
    {
        var first = new List<StateRun>();
        if (CountOf(stage) > 0)
            CopyTo(first, new(0, long.MaxValue), stage, most: 1);
        return first.Count > 0 ? first[0].Range.First : -1;
    }

    /// <summary>Which of a block's messages are in exactly this state, key slots apart.</summary>
    public ulong Match(long number, ulong mask, MessageState state)
    {
        if (_pages[number >> (PageShift - BlockMask.Shift)]?.Blocks[(int)(number & (BlockMask.Size - 1))] is not { } block)
            return 0;
        var found = 0UL;
        for (var left = mask & block.Live; left != 0; left &= left - 1)
        {
            var bit = BitOperations.TrailingZeroCount(left);
            if (new MessageState(block.States[bit]).WithoutKeySlot() == state)
                found |= 1UL << bit;
        }
        return found;
    }

    /// <summary>The first messages of those that are to be delivered again, at most so many, neighbours in the same state.</summary>
    public bool TryPeekMarked(long most, out StateRun run)
    {
        while (_markedPages.TryPeek(out var number, out _))
        {
            if (_pages[number] is { MarkedBlocks: not 0 } page)
            {
                var index = BitOperations.TrailingZeroCount(page.MarkedBlocks);
                var bit = BitOperations.TrailingZeroCount(page.Blocks[index]!.Marked);
                run = Extend((number << PageShift) + ((long)index << BlockMask.Shift) + bit, most);
                return true;
            }
            _markedPages.Dequeue();
            if (_pages[number] is { } unmarked)
                unmarked.IsQueued = false;
        }
        run = default;
        return false;
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => Remove(new(0, long.MaxValue));

    private static int BlockIndex(long offset) => (int)(offset >> BlockMask.Shift & (BlockMask.Size - 1));

    private static int BitIndex(long offset) => (int)(offset & (BlockMask.Size - 1));

    /// <summary>How many bits are set from <paramref name="start"/> on without a gap.</summary>
    private static int Ones(ulong bits, int start) => Math.Min(BitOperations.TrailingZeroCount(~(bits >> start)), BlockMask.Size - start);

    /// <summary>How many bits are set from <paramref name="start"/> on whose messages are in the same state.</summary>
    private static int Same(ulong[] states, ulong bits, int start)
    {
        var length = Ones(bits, start);
        var other = length == 1 ? -1 : states.AsSpan(start, length).IndexOfAnyExcept(states[start]);
        return other < 0 ? length : other;
    }

    private static void Fill(ulong[] states, ulong mask, ulong value)
    {
        while (mask != 0)
        {
            var start = BitOperations.TrailingZeroCount(mask);
            var length = Ones(mask, start);
            states.AsSpan(start, length).Fill(value);
            mask &= ~BlockMask.Of(start, start + length - 1);
        }
    }

    private bool IsMarked(MessageStage stage) => stage switch
    {
        MessageStage.Waiting => marking != Marking.Nothing,
        MessageStage.Delayed => marking == Marking.WaitingAndDelayed,
        _ => false,
    };

    private StateRun Extend(long first, long most)
    {
        var state = this[first];
        for (var at = first; ;)
        {
            var block = _pages[at >> PageShift]?.Blocks[BlockIndex(at)];
            var bit = BitIndex(at);
            if (block is null || (block.Marked >> bit & 1) == 0 || block.States[bit] != state.Bits || at - first >= most)
                return new(new(first, at - 1), state);
            var length = Same(block.States, block.Marked, bit);
            at += length;
            if (at - first >= most || bit + length < BlockMask.Size)
                return new(new(first, Math.Min(at, first + most) - 1), state);
        }
    }

    /// <summary>From <paramref name="at"/> on, the next block with something occupied in the range; moves behind it.</summary>
    private bool TryNextBlock(ref long at, long last, out Page page, out int index, out long first, out ulong mask)
    {
        at = Math.Max(at, _pages.First << PageShift);
        last = Math.Min(last, (_pages.End << PageShift) - 1);
        while (at <= last)
        {
            if (_pages[at >> PageShift] is not { } found)
            {
                at = ((at >> PageShift) + 1) << PageShift;
                continue;
            }
            (page, index, first) = (found, BlockIndex(at), at & ~(long)(BlockMask.Size - 1));
            mask = BlockMask.Of(BitIndex(at), (int)Math.Min(last - first, BlockMask.Size - 1)) & (found.Blocks[index]?.Live ?? 0);
            at = first + BlockMask.Size;
            if (mask != 0)
                return true;
        }
        (page, index, first, mask) = (null!, 0, 0, 0);
        return false;
    }

    private void Clear(Page page, int index, ulong mask)
    {
        var block = page.Blocks[index]!;
        Leave(block, mask);
        Fill(block.States, mask, 0);
        block.Live &= ~mask;
        block.Marked &= ~mask;
        Mark(page, index, block.Marked != 0);
        if (block.Live != 0)
            return;
        page.Blocks[index] = null;
        page.LiveBlocks--;
        if (_spareBlocks.Count < MaxSpare)
            _spareBlocks.Push(block);
        if (page.LiveBlocks > 0)
            return;
        _pages.Remove(page.Number);
        if (_sparePages.Count < MaxSpare)
            _sparePages.Push(page);
    }

    private void Leave(Block block, ulong mask)
    {
        Count -= BitOperations.PopCount(mask);
        while (mask != 0)
        {
            var start = BitOperations.TrailingZeroCount(mask);
            var length = Same(block.States, mask, start);
            Account(new(block.States[start]), -length);
            mask &= ~BlockMask.Of(start, start + length - 1);
        }
    }

    private void Account(MessageState state, int count)
    {
        _counts[(int)state.Stage] += count;
        Changed?.Invoke(state, count);
    }

    private void Mark(Page page, int index, bool isMarked)
    {
        if (!isMarked)
        {
            page.MarkedBlocks &= ~(1UL << index);
            return;
        }
        page.MarkedBlocks |= 1UL << index;
        if (page.IsQueued)
            return;
        page.IsQueued = true;
        _markedPages.Enqueue(page.Number, page.Number);
    }

    private Page GetPage(long number)
    {
        if (_pages[number] is { } known)
            return known;
        var page = _sparePages.TryPop(out var spare) ? spare : new Page();
        page.Number = number;
        page.IsQueued = false;
        _pages.Put(number, page);
        return page;
    }

    private Block TakeBlock(Page page)
    {
        page.LiveBlocks++;
        return _spareBlocks.TryPop(out var spare) ? spare : new Block();
    }

    private sealed class Block
    {
        /// <summary>Which messages are occupied.</summary>
        public ulong Live { get; set; }

        /// <summary>Which stand in the row of those to be delivered again.</summary>
        public ulong Marked { get; set; }

        public ulong[] States { get; } = new ulong[BlockMask.Size];
    }

    private sealed class Page
    {
        public long Number { get; set; }

        public Block?[] Blocks { get; } = new Block?[BlockMask.Size];

        public int LiveBlocks { get; set; }

        /// <summary>Which blocks have a marked message.</summary>
        public ulong MarkedBlocks { get; set; }

        public bool IsQueued { get; set; }
    }
}

/// <summary>Which messages a table keeps in a row, to be delivered again from its beginning.</summary>
internal enum Marking
{
    /// <summary>None: somebody else keeps them.</summary>
    Nothing,

    /// <summary>Those that wait.</summary>
    Waiting,

    /// <summary>Those whose delay runs as well; they hold up the ones behind them.</summary>
    WaitingAndDelayed,
}
