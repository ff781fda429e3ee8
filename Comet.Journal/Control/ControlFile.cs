using System.Runtime.InteropServices;
using Comet.Journals.FileSystem;
using Comet.Journals.Segments;

namespace Comet.Journals.Control;

/// <summary>
/// <c>journal.control</c>: what processes that have a journal open share while they do. It is mapped by all of them, never flushed, and
/// begun anew by whoever opens the journal first; only its locks and, within one boot, the slots of killed writers mean something after
/// that. Kept apart from the segments so that appends dirty no page of theirs but the one they write: a second page costs a group commit
/// half again as much (measured, decision 0020).
/// </summary>
/// <remarks><code>
/// 0 magic u64 | 8 version u32 | 12 slots u32 | 16 journal id | 32 session id | 48 ready u64
/// 64 tail | 128 active segment i64, 136 slots used u32, 140 clean u32 | 192 agreed first sequence, 200 agreed cycle
/// 256 waiters u32, 260 wake u32 | 320 fault u64 | 384 durable: version i64, twice (segment, position, sequence) i64, 440 whose turn u64
/// 512 slots of 64 bytes: intent u64, claim u64, process u64
/// </code></remarks>
internal sealed unsafe class ControlFile : IDisposable
{
    public const string Name = "journal.control";
    public const int MaxSlots = 4096;

    /// <summary>8: so many slots come after those of the writers, for the marks that processes end their flushes with.</summary>
    public const int FlushSlots = 8;

    /// <summary>48 bytes say whose the file is; without them it is begun anew.</summary>
    public const int HeadLength = 48;

    private const ulong Magic = 0x6C72744374656D43;
    private const int Version = 1;
    private const int TailAt = 64;
    private const int UsedAt = 136;
    private const int DurableAt = 384;
    private const int DurableValues = 7;
    private const int SlotsAt = 512;
    private const int PageLength = 4096;

    private readonly IFileMapping _mapping;
    private readonly byte* _start;

    private ControlFile(IJournalFile file, IFileMapping mapping, int slotCount)
    {
        Locks = file;
        _mapping = mapping;
        _start = mapping.Pointer;
        SlotCount = slotCount;
    }

    public int SlotCount { get; }

    /// <summary>The open file that holds this process's locks: see <see cref="JournalLock"/>.</summary>
    public IJournalFile Locks { get; }

    /// <summary>The word all claims go through: see <see cref="TailWord"/>.</summary>
    public ulong* Tail => (ulong*)(_start + TailAt);

    /// <summary>Not zero when readers may sleep, in any process. Whoever wakes them clears it, so that those who are killed asleep cost
    /// one wake and not one for each append.</summary>
    public int* Waiters => (int*)(_start + 256);

    /// <summary>Changes whenever sleeping readers are to look again; a futex.</summary>
    public int* Wake => (int*)(_start + 260);

    /// <summary>The number of the segment that the tail is in.</summary>
    /// <remarks>The tail is the truth, its upper bits are only the lower ones of the number; the stored number, which may lag behind by
    /// the roll that is under way, tells the rest.</remarks>
    public long ActiveSegment
    {
        get
        {
            var stored = Volatile.Read(ref *ActiveNumber);
            var ahead = (long)((TailWord.Generation(Volatile.Read(ref *Tail)) - TailWord.GenerationOf(stored)) & GenerationMask);
            if (ahead != 0)
                _ = Interlocked.CompareExchange(ref *ActiveNumber, stored + ahead, stored);
            return stored + ahead;
        }
    }

    /// <summary>The number of the segment a claim is in: the active one or one shortly before it.</summary>
    public long SegmentOf(ulong claim)
    {
        var active = ActiveSegment;
        return active - (long)((TailWord.GenerationOf(active) - TailWord.Generation(claim)) & GenerationMask);
    }

    /// <summary>All slots that were ever taken are below this one.</summary>
    public int UsedSlots => Volatile.Read(ref *Used);

    /// <summary>Whether the session was ended in order: all is durable up to the tail, and nothing is open.</summary>
    public bool IsClean
    {
        get => Volatile.Read(ref *Clean) != 0;
        set => Volatile.Write(ref *Clean, value ? 1 : 0);
    }

    public bool IsReady => Volatile.Read(ref *Ready) != 0;

    /// <summary>Whether a flush or a write failed somewhere: nobody may go on.</summary>
    public bool IsFaulted
    {
        get => Volatile.Read(ref *Fault) != 0;
        set => Volatile.Write(ref *Fault, value ? 1UL : 0);
    }

    private static ulong GenerationMask => TailWord.GenerationOf(-1);

    private ulong* Ready => (ulong*)(_start + 48);

    private long* ActiveNumber => (long*)(_start + 128);

    private int* Used => (int*)(_start + UsedAt);

    private int* Clean => (int*)(_start + 140);

    private ulong* AgreedFirst => (ulong*)(_start + 192);

    private ulong* AgreedCycle => (ulong*)(_start + 200);

    /// <summary>Not zero once a flush or a write failed somewhere.</summary>
    public ulong* Fault => (ulong*)(_start + 320);

    /// <summary>Who says up to where everything is durable right now: see <see cref="Control.DurableTurn"/>.</summary>
    public ulong* DurableTurn => (ulong*)(_start + 440);

    private long* Durable => (long*)(_start + DurableAt);

    private long* DurableValue(long version) => Durable + ((version & 1) == 0 ? 1 : 4);

    /// <summary>Maps the file of a running session; null when what is there is not of one.</summary>
    public static ControlFile? TryJoin(IJournalFile file, Guid journalId, Guid sessionId)
    {
        if (ReadSlots(file, journalId, sessionId) is not { } slots || file.Length < LengthFor(slots))
            return null;

        return new ControlFile(file, file.Map(LengthFor(slots), writable: true), slots);
    }

    /// <summary>Whether a file is of a journal and a session.</summary>
    public static bool IsOf(IJournalFile file, Guid journalId, Guid sessionId) => ReadSlots(file, journalId, sessionId) is not null;

    /// <summary>The tail word in a file that is only read.</summary>
    public static ulong ReadTail(IJournalFile file)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        return file.Read(word, TailAt) == word.Length ? BitConverter.ToUInt64(word) : 0;
    }

    /// <summary>Intent and claim of all slots that were ever taken, in a file that is only read.</summary>
    public static List<(ulong Intent, ulong Claim)> ReadClaims(IJournalFile file)
    {
        Span<int> used = stackalloc int[1];
        var claims = new List<(ulong, ulong)>();
        if (file.Read(MemoryMarshal.AsBytes(used), UsedAt) < sizeof(int))
            return claims;

        Span<ulong> slot = stackalloc ulong[2];
        for (var i = 0; i < Math.Clamp(used[0], 0, MaxSlots); i++)
        {
            if (file.Read(MemoryMarshal.AsBytes(slot), SlotsAt + (i * WriterSlot.Length)) == 2 * sizeof(ulong))
                claims.Add((slot[0], slot[1]));
        }

        return claims;
    }

    /// <summary>Up to where everything is durable, and the first sequence that is not, in a file that is only read.</summary>
    public static (JournalPlace Place, long Sequence) ReadDurable(IJournalFile file)
    {
        Span<long> values = stackalloc long[DurableValues];
        Span<long> version = stackalloc long[1];
        do
        {
            if (file.Read(MemoryMarshal.AsBytes(values), DurableAt) < DurableValues * sizeof(long))
                return default;

            _ = file.Read(MemoryMarshal.AsBytes(version), DurableAt);
        }
        while (version[0] != values[0]);
        var value = values[((values[0] & 1) == 0 ? 1 : 4)..];
        return (new JournalPlace(value[0], value[1]), value[2]);
    }

    /// <summary>Begins a session: everything is as if nobody had ever written. The caller holds the session alone.</summary>
    public static ControlFile Begin(IJournalFile file, Guid journalId, Guid sessionId, int slotCount)
    {
        var length = LengthFor(slotCount);
        file.Preallocate(length);
        file.Write(new byte[length], 0);
        file.Write(Head(journalId, sessionId, slotCount), 0);
        return new ControlFile(file, file.Map(length, writable: true), slotCount);
    }

    /// <summary>Says where the journal goes on; from now on others may join.</summary>
    public void Start(long activeSegment, ulong tail, JournalPlace durable, long durableSequence)
    {
        *ActiveNumber = activeSegment;
        *Tail = tail;
        // Nothing is agreed yet: both words carry the tag of the segment before.
        *AgreedFirst = *AgreedCycle = TailWord.GenerationOf(activeSegment - 1) << 54;
        SetDurable(durable, durableSequence);
        Volatile.Write(ref *Ready, 1);
    }

    /// <summary>A slot is about to be taken.</summary>
    public void NoteSlot(int index)
    {
        for (var used = UsedSlots; used <= index;)
        {
            var seen = Interlocked.CompareExchange(ref *Used, index + 1, used);
            if (seen == used)
                return;
            used = seen;
        }
    }

    public WriterSlot Slot(int index) => new(_start + SlotsAt + (index * WriterSlot.Length), index);

    /// <summary>What all agree is the first sequence after a segment: the first proposal wins. Null when the journal has gone on.</summary>
    public long? AgreeFirstSequence(long segment, long proposal) => Agree(AgreedFirst, segment, proposal);

    /// <summary>What all agree is the time, in seconds since 1970, whose cycle comes after a segment. Null when the journal has gone
    /// on.</summary>
    public long? AgreeCycle(long segment, long proposal) => Agree(AgreedCycle, segment, proposal);

    /// <summary>The first sequence after a segment, if it has been agreed on and the journal has not gone on.</summary>
    public long? AgreedFirstSequence(long segment)
    {
        var word = Volatile.Read(ref *AgreedFirst);
        return Generation(word) == TailWord.GenerationOf(segment) && ActiveSegment == segment ? Value(word) : null;
    }

    /// <summary>Moves the tail from the end of a segment to the start of the next; whoever comes first does.</summary>
    public void Activate(long segment, long position)
    {
        var generation = TailWord.GenerationOf(segment - 1);
        for (var tail = Volatile.Read(ref *Tail); TailWord.Generation(tail) == generation;)
        {
            var seen = Interlocked.CompareExchange(ref *Tail, TailWord.Of(segment, position, 0), tail);
            if (seen == tail)
                break;
            tail = seen;
        }

        _ = ActiveSegment;
    }

    /// <summary>Up to where everything is durable, and the first sequence that is not.</summary>
    public (JournalPlace Place, long Sequence) GetDurable()
    {
        while (true)
        {
            var version = Volatile.Read(ref *Durable);
            var value = DurableValue(version);
            var result = (new JournalPlace(value[0], value[1]), value[2]);
            Thread.MemoryBarrier();
            if (Volatile.Read(ref *Durable) == version)
                return result;
        }
    }

    /// <summary>Tells everybody up to where everything is durable. The caller has the turn, or the session alone.</summary>
    public void SetDurable(JournalPlace place, long sequence)
    {
        // Into the one of two places that nobody reads: whoever is killed in between leaves the other as it was.
        var version = *Durable + 1;
        var value = DurableValue(version);
        (value[0], value[1], value[2]) = (place.Segment, place.Position, sequence);
        Interlocked.Exchange(ref *Durable, version);
    }

    /// <summary>Lets go of the memory but not of the file and its locks.</summary>
    public void Unmap() => _mapping.Dispose();

    public void Dispose()
    {
        _mapping.Dispose();
        Locks.Dispose();
    }

    private static int? ReadSlots(IJournalFile file, Guid journalId, Guid sessionId)
    {
        Span<byte> head = stackalloc byte[HeadLength];
        return file.Read(head, 0) == head.Length && BitConverter.ToInt32(head[12..16]) is > 0 and <= MaxSlots and var slots
            && head.SequenceEqual(Head(journalId, sessionId, slots)) ? slots : null;
    }

    private static int LengthFor(int slots) =>
        (int)SegmentLayout.RoundUp(SlotsAt + (slots * WriterSlot.Length), PageLength);

    private static ReadOnlySpan<byte> Head(Guid journalId, Guid sessionId, int slots)
    {
        var head = new byte[HeadLength];
        BitConverter.TryWriteBytes(head, Magic);
        BitConverter.TryWriteBytes(head.AsSpan(8), Version);
        BitConverter.TryWriteBytes(head.AsSpan(12), slots);
        journalId.TryWriteBytes(head.AsSpan(16));
        sessionId.TryWriteBytes(head.AsSpan(32));
        return head;
    }

    // Tagged with the segment's generation, so that the value of the segment before is not taken for this one's.
    private long? Agree(ulong* word, long segment, long proposal)
    {
        var generation = TailWord.GenerationOf(segment);
        while (true)
        {
            var seen = Volatile.Read(ref *word);
            // In this order: once the journal goes on, the word has changed, so that the exchange of somebody who is late fails.
            if (ActiveSegment != segment)
                return null;
            if (Generation(seen) == generation)
                return Value(seen);

            var mine = (generation << 54) | (ulong)proposal;
            if (Interlocked.CompareExchange(ref *word, mine, seen) == seen)
                return proposal;
        }
    }

    private static ulong Generation(ulong word) => word >> 54;

    private static long Value(ulong word) => (long)(word & ((1UL << 54) - 1));
}
