using Comet.Journals.FileSystem;
using Comet.Journals.Packing;
using Comet.Journals.Segments;

namespace Comet.Journals.Maintenance;

/// <summary>Packs or moves one sealed segment. The caller holds the maintenance lock.</summary>
internal sealed class SegmentWork(SegmentStore store, PackSettings settings, Action<long> progress, CancellationToken cancellationToken)
{
    private readonly SegmentPacker _packer = new(store.Files);

    private IFileSystem Files => store.Files;

    /// <summary>Does it: at every moment there is a whole, durable copy under a segment's name.</summary>
    /// <param name="entry">The segment as it is.</param>
    /// <param name="task">What to do.</param>
    /// <param name="length">How long its file is.</param>
    /// <returns>What was done.</returns>
    public JournalEvent Do(SegmentEntry entry, SegmentTask task, long length)
    {
        var folder = task.MovesTo ?? Path.GetDirectoryName(entry.Path)!;
        if (task.MovesTo is not null)
            TierFolders.RequireThere(folder, Files.List(folder));
        var name = Path.GetFileName(entry.Path);
        var target = Path.Combine(folder, entry.Form.Length > 0 ? name : name + PackedSegmentReader.Form);
        var after = task.Packs ? Pack(entry, target) : SegmentCopy.Run(Files, entry.Path, target, store.NextId(), cancellationToken);
        store.Catalog.Replace(entry with { Path = target, Form = PackedSegmentReader.Form });
        // Only now, with the new name durable. Should the deletion not be, both are there, and one goes the next time.
        if (target != entry.Path)
            Files.Delete(entry.Path);
        store.Resting.Drop(entry.Number);
        return new JournalEvent(task.Packs ? JournalEventKind.Packed : JournalEventKind.Moved, entry.Number, target)
        {
            BytesBefore = length,
            BytesAfter = after
        };
    }

    private long Pack(SegmentEntry entry, string target)
    {
        using var source = Open(entry);
        if (source.Header.JournalId != store.JournalId || source.Header.Number != entry.Number)
            throw PackedFile.Damaged(entry.Path, 0, "is of another journal, or was renamed");

        // What is compressed stays so, also when it is only to be encrypted.
        var codec = source is PackedSegmentReader { File.Header.Codec: not JournalCodec.None and var kept } ? kept : settings.Codec;
        return _packer.Pack(source, target, settings with { Codec = codec }, store.NextId(), progress, cancellationToken);
    }

    private ISegmentReader Open(SegmentEntry entry) => entry.Form.Length > 0
        ? PackedSegmentReader.Open(Files, entry.Path, store.Keys)
        : new MappedSegmentReader(MappedSegment.Open(Files, entry.Path, writable: false), isOver: true);
}
