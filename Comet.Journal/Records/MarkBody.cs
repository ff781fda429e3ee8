using Comet.Journals.Segments;

namespace Comet.Journals.Records;

/// <summary>The body of a <see cref="RecordKind.Mark"/>: <c>segment i64 | position i64 | sequence i64</c> up to where the journal had been
/// made durable when it was written, then zeros that fill the sector. What is flushed together ends with one, so that the next append
/// begins a sector of its own: a torn write of it does not touch what was confirmed.</summary>
internal static unsafe class MarkBody
{
    public const int MinLength = 24;
    public const int SectorLength = 512;

    public static (JournalPlace Place, long Sequence) Read(byte* record)
    {
        var body = (long*)(record + RecordLayout.HeaderLength);
        return (new JournalPlace(body[0], body[1]), body[2]);
    }

    public static void Write(byte* record, JournalPlace place, long sequence, int length)
    {
        new Span<byte>(record + RecordLayout.HeaderLength, length).Clear();
        var body = (long*)(record + RecordLayout.HeaderLength);
        (body[0], body[1], body[2]) = (place.Segment, place.Position, sequence);
    }

    /// <summary>The length of the body of a mark at a position, so that it ends with a sector.</summary>
    public static int LengthAt(long position) =>
        (int)(SegmentLayout.RoundUp(position + RecordLayout.HeaderLength + MinLength, SectorLength) - position) - RecordLayout.HeaderLength;
}
