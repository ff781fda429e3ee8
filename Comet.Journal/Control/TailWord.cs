using System.Runtime.CompilerServices;

namespace Comet.Journals.Control;

/// <summary>
/// The one word all claims go through: the lowest 28 bits are the position of the next record in units of 8 bytes, the next 26 the number
/// of sequences claimed in the segment, the upper 10 the lower bits of the segment's number. One atomic add of a size and a count gives a
/// writer both its place and its sequence, and tells it when the journal went on to another segment meanwhile.
/// </summary>
internal static class TailWord
{
    public const int PositionBits = 28;
    public const int CountBits = 26;
    public const ulong OneSequence = 1UL << PositionBits;

    private const int GenerationShift = PositionBits + CountBits;
    private const ulong PositionMask = (1UL << PositionBits) - 1;
    private const ulong GenerationMask = (1UL << (64 - GenerationShift)) - 1;
    private const ulong CountMask = (1UL << CountBits) - 1;

    /// <summary>The tail of a segment nothing has been claimed in yet.</summary>
    public static ulong Of(long segmentNumber, long position, long count) =>
        (GenerationOf(segmentNumber) << GenerationShift) | ((ulong)count << PositionBits) | ((ulong)position >> 3);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Position(ulong word) => (long)(word & PositionMask) << 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Count(ulong word) => (long)((word >> PositionBits) & CountMask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Generation(ulong word) => word >> GenerationShift;

    public static ulong GenerationOf(long segmentNumber) => (ulong)segmentNumber & GenerationMask;

    /// <summary>Whether one claim is before another; they are no more than 511 segments apart.</summary>
    public static bool IsBefore(ulong claim, ulong other)
    {
        var ahead = (Generation(other) - Generation(claim)) & GenerationMask;
        return ahead == 0 ? Position(claim) < Position(other) : ahead <= GenerationMask / 2;
    }

    /// <summary>What to add for a record of this size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Claim(long size, int sequences) => ((ulong)sequences << PositionBits) + ((ulong)size >> 3);
}
