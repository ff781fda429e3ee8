using Comet.Journals.Records;

namespace Comet.Journals.Segments;

/// <summary>Where the parts of a segment are, all by the length of its file: the header, the index (16 bytes for each 64 KiB of the file,
/// filled up to a page; none in a segment of one block), records, and room for the end mark.</summary>
internal readonly record struct SegmentLayout(long FileLength)
{
    /// <summary>64 KiB: each block has a place in the index for the first record that begins in it.</summary>
    public const int BlockLength = 1 << BlockShift;
    public const int BlockShift = 16;
    public const int IndexEntryLength = 16;
    public const int EndBodyLength = 8;

    /// <summary>32 bytes: what is kept free at the end, so that the end mark always has a place.</summary>
    public const int EndLength = RecordLayout.HeaderLength + EndBodyLength;

    /// <summary>1 GiB, so that a position fits into a tail word.</summary>
    public const long MaxFileLength = 1L << 30;

    public const long MinFileLength = 16 * 1024;

    public const long IndexStart = SegmentHeader.Length;

    public const int PageLength = 4096;

    public int IndexEntries => FileLength <= BlockLength ? 0 : (int)(FileLength >> BlockShift);

    public long DataStart => SegmentHeader.Length + RoundUp((long)IndexEntries * IndexEntryLength, PageLength);

    /// <summary>Records end at this position at the latest.</summary>
    public long DataEnd => FileLength - EndLength;

    /// <summary>The shortest segment, in whole pages, with room for a record of this size.</summary>
    public static long LengthFor(long recordSize)
    {
        var length = RoundUp(SegmentHeader.Length + recordSize + EndLength, PageLength);
        while (new SegmentLayout(length) is var layout && layout.DataEnd - layout.DataStart < recordSize)
            length += PageLength;
        return length;
    }

    public static long RoundUp(long value, long unit) => (value + unit - 1) / unit * unit;
}
