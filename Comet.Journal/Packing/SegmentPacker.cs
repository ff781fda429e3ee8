using Comet.Journals.FileSystem;
using Comet.Journals.Records;
using Comet.Journals.Segments;

namespace Comet.Journals.Packing;

/// <summary>
/// Makes the packed form of a segment that nobody writes any more: under a temporary name, durable, read again, then renamed, and the name
/// made durable. Up to then the form it had is the one that counts, afterwards there are two good ones, and the caller deletes the first.
/// </summary>
internal sealed unsafe class SegmentPacker(IFileSystem files)
{
    private readonly PinnedBuffer _raw = new();

    /// <summary>Packs a segment.</summary>
    /// <param name="source">The segment, in any form.</param>
    /// <param name="target">The path of the packed one; one that is there is replaced.</param>
    /// <param name="settings">How.</param>
    /// <param name="unique">Part of the temporary name.</param>
    /// <param name="progress">Told how many bytes of the segment have been packed since the last time.</param>
    /// <param name="cancellationToken">Gives it up between two blocks; nothing is left of it.</param>
    /// <returns>The length of the packed file.</returns>
    /// <exception cref="JournalException">The segment is damaged, or the file cannot be written.</exception>
    public long Pack(ISegmentReader source, string target, PackSettings settings, Guid unique, Action<long> progress,
        CancellationToken cancellationToken) => NewFile.Write(files, target, unique, temporary =>
        {
            using var writer = new PackedWriter(files, temporary, source.Header, settings);
            var (end, lastTime) = AddBlocks(source, writer, progress, cancellationToken);
            var length = writer.Finish(end, lastTime);
            writer.Verify(files);
            return length;
        });

    private (long End, long LastTime) AddBlocks(
        ISegmentReader source, PackedWriter writer, Action<long> progress, CancellationToken cancellationToken)
    {
        var at = new BlockStart(source.Header.Layout.DataStart, source.Header.FirstSequence, 0);
        for (var ended = false; !ended;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var window = source.Open(at.Position);
            if (!window.Contains(at.Position))
                throw PackedFile.Damaged(source.Path, at.Position, "has no end mark behind its last record");

            var next = FindNext(source, window, at, out ended);
            var raw = _raw.Take((int)(next.Position - at.Position));
            new ReadOnlySpan<byte>(window.Origin + at.Position, raw.Length).CopyTo(raw);
            CheckAndClear(source, at.Position, raw.Length);
            writer.Add(raw, at.Position, at.Sequence, at.TimeBefore);
            progress(raw.Length);
            at = next;
        }

        return (at.Position, at.TimeBefore);
    }

    /// <summary>Where the block behind the one that begins somewhere begins.</summary>
    private static BlockStart FindNext(ISegmentReader source, SegmentWindow window, BlockStart from, out bool ended)
    {
        ended = false;
        var (position, sequence, time) = from;
        while (position < window.To && !ended)
        {
            var record = window.Origin + position;
            var word = RecordLayout.Word(record);
            var size = RecordLayout.Size(word);
            // Before the look whether it is a record at all: the window may end in the middle of a long one, which is another block's.
            if (position > from.Position && position + size - from.Position > PackedBlock.TargetLength)
                break;
            if (!RecordLayout.IsPlausible(word, window.To - position))
                throw PackedFile.Damaged(source.Path, position, "has no record where one should be");

            if (RecordLayout.Kind(word) == RecordKind.Data)
            {
                sequence = RecordLayout.Sequence(record) + 1;
                time = Math.Max(time, RecordLayout.Timestamp(record));
            }

            ended = RecordLayout.Kind(word) == RecordKind.End;
            position += size;
        }

        return new BlockStart(position, sequence, time);
    }

    /// <summary>Checks all records of the copy, and clears what dead writers left in padding.</summary>
    private void CheckAndClear(ISegmentReader source, long start, int length)
    {
        var seed = source.Header.Seed;
        for (var at = 0; at < length;)
        {
            var record = _raw.Pointer + at;
            var word = RecordLayout.Word(record);
            if (!RecordLayout.IsPlausible(word, length - at) || !RecordLayout.IsIntact(seed, word, record))
                throw PackedFile.Damaged(source.Path, start + at, "has a record whose checksum is wrong");
            if (RecordLayout.Kind(word) == RecordKind.Padding)
                new Span<byte>(record + RecordLayout.HeaderLength, RecordLayout.BodyLength(word)).Clear();
            at += RecordLayout.Size(word);
        }
    }

    private readonly record struct BlockStart(long Position, long Sequence, long TimeBefore);
}
