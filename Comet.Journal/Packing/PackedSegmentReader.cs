using Comet.Journals.FileSystem;
using Comet.Journals.Indexing;
using Comet.Journals.Segments;

namespace Comet.Journals.Packing;

/// <summary>Reads a packed segment: a window is a block, read, decrypted and decompressed when it is asked for, into memory that is used
/// again. The file stays open, so that nothing is disturbed when it is replaced or deleted.</summary>
internal sealed unsafe class PackedSegmentReader(PackedFile file) : ISegmentReader
{
    /// <summary>What comes behind the name of a segment that is packed.</summary>
    public const string Form = ".packed";

    private readonly PinnedBuffer _buffer = new();
    private int _block = -1;

    public PackedFile File => file;

    public SegmentHeader Header => file.Header.Segment;

    public string Path => file.Path;

    public bool CanGrow => false;

    public static PackedSegmentReader Open(IFileSystem files, string path, IJournalKeyProvider? keys) =>
        new(PackedFile.Open(files, path, keys));

    public SegmentWindow Open(long position)
    {
        if (_block < 0 || position < From || position >= file.EndOf(_block))
        {
            var block = file.BlockAt(position);
            if (block < 0)
                return default;

            // While it is being read there is none: what fails is read again the next time.
            _block = -1;
            _ = file.Read(block, _buffer);
            _block = block;
        }

        return new SegmentWindow(_buffer.Pointer - From, From, file.EndOf(_block));
    }

    public long Find(IndexGoal goal)
    {
        var block = file.LastWhere(each => goal.Column switch
        {
            IndexColumn.Sequence => each.Sequence <= goal.Value,
            IndexColumn.Time => each.TimeBefore < goal.Value,
            _ => each.Position <= goal.Value
        });
        return file.Blocks[Math.Max(0, block)].Position;
    }

    public ReadOnlyMemory<byte> Slice(long position, int length) => _buffer.Memory((int)(position - From), length);

    public void Dispose() => file.Dispose();

    private long From => file.Blocks[_block].Position;
}
