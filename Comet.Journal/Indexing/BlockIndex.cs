using Comet.Journals.Control;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Indexing;

/// <summary>
/// The sparse index of a segment: for each block of 64 KiB <c>claim u64 | time i64</c>, the tail word of the first record that begins in it
/// and the greatest time of a record before it. Writers note them as they enter a block. It is only a hint, never flushed for its own
/// sake: the entry that is used is checked against the record it points to, and entries that are missing are found again by reading the
/// records, once for all readers of the process.
/// </summary>
internal sealed unsafe class BlockIndex(MappedSegment segment)
{
    private readonly int _count = segment.Layout.IndexEntries;
    private Entry[]? _found;

    private long FirstSequence => segment.Header.FirstSequence;

    /// <summary>Notes the first record that begins in a block. Each block has exactly one claim that is the first in it.</summary>
    /// <param name="claim">The tail word of that record.</param>
    /// <param name="time">The time of the record before it.</param>
    public void Enter(ulong claim, long time)
    {
        var block = BlockOf(TailWord.Position(claim));
        if (block <= 0 || block >= _count)
            return;

        var entry = At(block);
        entry[1] = (ulong)(block > 1 ? Math.Max(time, (long)Volatile.Read(ref At(block - 1)[1])) : time);
        Volatile.Write(ref entry[0], claim);
    }

    /// <summary>Forgets the blocks behind a position, where a tail was cut that is not zero.</summary>
    public void CutAfter(long position)
    {
        for (var block = BlockOf(position); block < _count; block++)
        {
            if (block > 0 && TailWord.Position(At(block)[0]) > position)
                (At(block)[0], At(block)[1]) = (0, 0);
        }
    }

    /// <summary>Where a record begins from which what is looked for can be found by going on, not far; at worst the first of all.</summary>
    public long Find(IndexGoal goal)
    {
        var block = Search(goal);
        while (block > 0 && !IsTrue(block, goal))
            block = Below(block, goal.Column);
        return Extend(block, goal);
    }

    // Entries that are missing (a long record, a writer that was killed, a page that was never flushed) are stepped over.
    private int Search(IndexGoal goal)
    {
        var (low, high, best) = (1, _count - 1, 0);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var at = middle;
            while (at >= low && !IsPresent(at, goal.Column))
                at--;
            if (at < low || Covers(at, goal))
            {
                best = at < low ? best : at;
                low = middle + 1;
            }
            else
                high = at - 1;
        }

        return best;
    }

    private int Below(int block, IndexColumn column)
    {
        do
        {
            block--;
        }
        while (block > 0 && !IsPresent(block, column));
        return block;
    }

    /// <summary>Goes on from a block over those whose entries are missing, and notes them.</summary>
    private long Extend(int block, IndexGoal goal)
    {
        var start = block == 0 ? segment.Layout.DataStart : TailWord.Position(Read(block).Claim);
        if (BlockOf(start) + 1 >= _count || IsPresent(BlockOf(start) + 1, goal.Column))
            return start;

        var (at, time) = (start, block == 0 ? 0 : Read(block).Time);
        while (TryReadRecord(at, out var word) && RecordLayout.Kind(word) != RecordKind.End)
        {
            time = Math.Max(time, RecordLayout.Timestamp(segment.Start + at));
            var next = at + RecordLayout.Size(word);
            if (BlockOf(next) != BlockOf(at) && TryReadRecord(next, out var first) && RecordLayout.Kind(first) != RecordKind.Padding)
            {
                var claim = TailWord.Of(segment.Number, next, RecordLayout.Sequence(segment.Start + next) - FirstSequence);
                if (!goal.IsBeyond(claim, time, FirstSequence))
                    break;

                Note(BlockOf(next), new Entry(claim, time));
                start = next;
            }

            at = next;
        }

        return start;
    }

    private void Note(int block, Entry entry)
    {
        if (block >= _count)
            return;

        var found = _found ?? Interlocked.CompareExchange(ref _found, new Entry[_count], null) ?? _found;
        // All who find it find the same.
        lock (found)
            found[block] = entry;
    }

    private bool Covers(int block, IndexGoal goal)
    {
        var entry = Read(block);
        return goal.IsBeyond(entry.Claim, entry.Time, FirstSequence);
    }

    private bool IsPresent(int block, IndexColumn column)
    {
        var (claim, time) = Read(block);
        // Behind a mark, which has no time, and only behind marks, the time is not known.
        if (column == IndexColumn.Time && time == 0)
            return false;

        var position = TailWord.Position(claim);
        return claim != 0 && TailWord.Generation(claim) == segment.Generation && BlockOf(position) == block
            && position >= segment.Layout.DataStart && position < segment.Layout.DataEnd;
    }

    private bool IsTrue(int block, IndexGoal goal)
    {
        var claim = Read(block).Claim;
        var position = TailWord.Position(claim);
        if (!TryReadRecord(position, out var word) || RecordLayout.Kind(word) == RecordKind.Padding)
            return false;

        // The time of an entry can be checked by nothing but a record that is before the goal itself; otherwise a block more is read.
        var record = segment.Start + position;
        return RecordLayout.Sequence(record) == FirstSequence + TailWord.Count(claim)
            && (goal.Column != IndexColumn.Time
                || (RecordLayout.Kind(word) == RecordKind.Data && RecordLayout.Timestamp(record) < goal.Value));
    }

    private bool TryReadRecord(long position, out uint word)
    {
        word = 0;
        if (position > segment.Layout.DataEnd)
            return false;

        var record = segment.Start + position;
        word = RecordLayout.Word(record);
        return RecordLayout.IsPlausible(word, segment.Layout.FileLength - position) && RecordLayout.IsIntact(segment.Seed, word, record);
    }

    private Entry Read(int block)
    {
        var written = At(block);
        var claim = Volatile.Read(ref written[0]);
        if (claim != 0 || _found is not { } found)
            return new Entry(claim, (long)written[1]);

        lock (found)
            return found[block];
    }

    private ulong* At(int block) => (ulong*)(segment.Start + SegmentLayout.IndexStart + ((long)block * SegmentLayout.IndexEntryLength));

    private static int BlockOf(long position) => (int)(position >> SegmentLayout.BlockShift);

    private readonly record struct Entry(ulong Claim, long Time);
}
