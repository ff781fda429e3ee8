using System.Runtime.CompilerServices;

namespace Comet.Journals.Control;

/// <summary>
/// One cache line in which a writer tells what it is about to claim and where it has claimed it, so that others can tell a writer that is
/// slow from one that is dead. Whether it lives is the lock of its slot, which the kernel drops at kill -9. The order of stores is what
/// counts: claim = 0, intent, [the atomic add], claim; then the record; then intent = 0. A writer that lives but has to give a claim
/// up lets go of the slot as it is.
/// </summary>
internal readonly unsafe struct WriterSlot(byte* start, int index)
{
    public const int Length = 64;

    private readonly ulong* _words = (ulong*)start;

    public int Index { get; } = index;

    /// <summary>The size of the claim under way in bytes; 0 when there is none.</summary>
    public ulong Intent
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _words[0]);
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => Volatile.Write(ref _words[0], value);
    }

    /// <summary>The tail word before the claim; 0 while it is not known.</summary>
    public ulong Claim
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Volatile.Read(ref _words[1]);
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        set => Volatile.Write(ref _words[1], value);
    }

    /// <summary>Claims space when the tail is still what it was; false, and nothing has been claimed, when it is not.</summary>
    public bool TryClaim(ulong* tail, ulong seen, long size, int sequences)
    {
        Claim = 0;
        Intent = (ulong)size;
        if (Interlocked.CompareExchange(ref *tail, seen + TailWord.Claim(size, sequences), seen) != seen)
        {
            Intent = 0;
            return false;
        }

        Claim = seen;
        return true;
    }

    /// <summary>The process that has the slot, for people.</summary>
    public ulong Process
    {
        get => _words[2];
        set => _words[2] = value;
    }
}
