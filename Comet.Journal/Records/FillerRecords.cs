using Comet.Journals.Segments;

namespace Comet.Journals.Records;

/// <summary>Writes the records that carry nothing of a user's: padding, and the mark that ends a segment. They say the same whoever writes
/// them, so several may at once.</summary>
internal static unsafe class FillerRecords
{
    /// <summary>Makes a range padding, as one record or several. Where it begins nothing must be published.</summary>
    public static void WritePadding(byte* segment, uint seed, long from, long to)
    {
        while (from < to)
        {
            var body = (int)Math.Min(to - from - RecordLayout.HeaderLength, RecordLayout.MaxPaddingLength);
            var rest = to - from - RecordLayout.Size(body);
            // What is left must have room for a header of its own.
            if (rest is > 0 and < RecordLayout.HeaderLength)
                body -= RecordLayout.HeaderLength;
            Publish(segment, seed, from, RecordLayout.Word(RecordKind.Padding, body), 0);
            from += RecordLayout.Size(body);
        }
    }

    /// <summary>Writes the end mark of a segment.</summary>
    public static void WriteEnd(byte* segment, uint seed, long position, long firstSequence)
    {
        *(long*)(segment + position + RecordLayout.HeaderLength) = firstSequence;
        Publish(segment, seed, position, RecordLayout.Word(RecordKind.End, SegmentLayout.EndBodyLength), firstSequence);
    }

    private static void Publish(byte* segment, uint seed, long position, uint word, long sequence)
    {
        var record = segment + position;
        *(long*)(record + RecordLayout.TimestampAt) = 0;
        *(long*)(record + RecordLayout.SequenceAt) = sequence;
        *(uint*)(record + RecordLayout.CrcAt) = RecordLayout.ComputeCrc(seed, word, record);
        Interlocked.CompareExchange(ref *(uint*)record, word, 0);
    }
}
