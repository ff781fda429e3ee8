using Comet.Journals.Segments;

namespace Comet.Journals.Records;

/// <summary>Finds whole records in a segment's bytes that nobody vouches for.</summary>
/// <param name="start">The first byte of the segment.</param>
/// <param name="length">How many bytes there are.</param>
/// <param name="header">What the segment is.</param>
internal readonly unsafe struct RecordSearch(byte* start, long length, SegmentHeader header)
{
    private const long MaxSequences = 1L << 26;

    private readonly uint _seed = header.Seed;

    public byte* Start { get; } = start;

    public long Length { get; } = length;

    /// <summary>Whether a whole record of this segment begins at a position.</summary>
    public bool TryRead(long position, out uint word)
    {
        word = 0;
        var room = Length - position;
        if (room < RecordLayout.HeaderLength)
            return false;

        var record = Start + position;
        word = RecordLayout.Word(record);
        if (!RecordLayout.IsPlausible(word, room))
            return false;

        var sequence = RecordLayout.Sequence(record) - header.FirstSequence;
        return (RecordLayout.Kind(word) == RecordKind.Padding || sequence is >= 0 and <= MaxSequences)
            && RecordLayout.IsIntact(_seed, word, record);
    }

    /// <summary>The first 8 bytes, from a position on, that are not all zero, or null.</summary>
    public long? NextNonZero(long at)
    {
        if (at >= Length)
            return null;

        var next = new ReadOnlySpan<byte>(Start + at, (int)(Length - at)).IndexOfAnyExcept((byte)0);
        return next < 0 ? null : Math.Max(at, (at + next) & ~(long)(RecordLayout.Alignment - 1));
    }

    /// <summary>Where, from a position on, the first whole record other than padding is, of this sequence or a later one; or
    /// null.</summary>
    public long? NextWhole(long from, long sequence)
    {
        for (var at = from; NextNonZero(at) is { } next; at = next + RecordLayout.Alignment)
        {
            if (TryRead(next, out var word) && RecordLayout.Kind(word) != RecordKind.Padding
                && RecordLayout.Sequence(Start + next) >= sequence)
                return next;
        }

        return null;
    }
}
