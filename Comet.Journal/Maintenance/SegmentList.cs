using Comet.Journals.FileSystem;
using Comet.Journals.Packing;
using Comet.Journals.Segments;

namespace Comet.Journals.Maintenance;

/// <summary>Tells what segments there are and in which form.</summary>
internal static class SegmentList
{
    public static IReadOnlyList<JournalSegmentInfo> Of(SegmentStore store)
    {
        var entries = store.Catalog.Refresh();
        store.Catalog.RequireReachable();
        return [.. entries.Select(entry => Describe(store, entry)).OfType<JournalSegmentInfo>()];
    }

    /// <summary>Null when it was removed meanwhile.</summary>
    private static JournalSegmentInfo? Describe(SegmentStore store, SegmentEntry? entry)
    {
        while (entry is not null)
        {
            try
            {
                using var file = store.Files.Open(entry.Path, FileOpening.Read);
                var header = entry.Form == PackedSegmentReader.Form ? PackedFile.Peek(store.Files, entry.Path).Header : null;
                return new JournalSegmentInfo(entry.Number, entry.Path, file.Length, entry.Form.Length > 0,
                    header?.Codec ?? JournalCodec.None, header?.KeyId);
            }
            catch (JournalException gone) when (gone.Code == JournalErrorCode.NotFound)
            {
                entry = store.Catalog.FindAgain(entry.Number);
            }
        }

        return null;
    }
}
