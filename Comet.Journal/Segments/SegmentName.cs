using System.Globalization;
using Comet.Journals.Records;

namespace Comet.Journals.Segments;

/// <summary>The name of a segment's file: <c>20260802T153000Z-0000000012.journal</c>, the start of its cycle in UTC and its number. Sorted
/// by name the files are in the order of time, because no cycle starts before the one of the segment before.</summary>
internal static class SegmentName
{
    public const string Extension = ".journal";

    private const string TimeFormat = "yyyyMMdd'T'HHmmss'Z'";
    private const int TimeLength = 16;
    private const int NumberLength = 10;

    public static string Of(long number, long cycleStart) => string.Create(CultureInfo.InvariantCulture,
        $"{UnixTicks.ToTime(cycleStart).ToString(TimeFormat, CultureInfo.InvariantCulture)}-{number:D10}{Extension}");

    /// <summary>The number and the start of the cycle, to the second, in a name; false for files that are no segments. What comes after
    /// the extension (".lz4", for example) is given back as it is.</summary>
    public static bool TryParse(string name, out long number, out long cycleStart, out string suffix)
    {
        (number, cycleStart, suffix) = (0, 0, "");
        const int Stem = TimeLength + 1 + NumberLength;
        if (name.Length < Stem + Extension.Length || name[TimeLength] != '-'
            || !name.AsSpan(Stem).StartsWith(Extension, StringComparison.Ordinal)
            || !long.TryParse(name.AsSpan(TimeLength + 1, NumberLength), NumberStyles.None, CultureInfo.InvariantCulture, out number)
            || !DateTimeOffset.TryParseExact(name.AsSpan(0, TimeLength), TimeFormat, CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal, out var time))
            return false;

        cycleStart = UnixTicks.Of(time);
        suffix = name[(Stem + Extension.Length)..];
        return true;
    }
}
