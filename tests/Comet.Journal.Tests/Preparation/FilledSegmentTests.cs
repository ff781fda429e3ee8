using Comet.Journals.FileSystem;
using Comet.Journals.Preparation;
using Comet.Journals.Segments;

namespace Comet.Journals.Tests.Preparation;

/// <summary>A flush write-protects the whole piece of memory it ends in: the rest of it is had ready again, so that a steady writer has no
/// fault for each page.</summary>
public sealed class FilledSegmentTests
{
    private const long Length = 1024 * 1024;

    [Theory]
    [InlineData(5_000, Length, 8_192, SpareSegment.FillLength)]
    [InlineData(8_192, Length, 8_192, SpareSegment.FillLength)]
    [InlineData(SpareSegment.FillLength + 1, Length, SpareSegment.FillLength + 4_096, 2 * SpareSegment.FillLength)]
    [InlineData(5_000, 16_384, 8_192, 16_384)]
    public void The_rest_of_the_piece_is_ready_again_as_far_as_it_was(long flushed, long ready, long from, long to)
    {
        using var directory = new TemporaryDirectory();
        var mapping = Flush(directory, flushed, ready, isFilled: true);
        Assert.Equal([(from, to - from)], mapping.Populated);
    }

    [Theory]
    [InlineData(SpareSegment.FillLength, Length, true)]
    [InlineData(SpareSegment.FillLength - 1, Length, true)]
    [InlineData(20_000, 16_384, true)]
    [InlineData(5_000, Length, false)]
    public void Nothing_is_when_nothing_else_was_protected(long flushed, long ready, bool isFilled)
    {
        using var directory = new TemporaryDirectory();
        Assert.Empty(Flush(directory, flushed, ready, isFilled).Populated);
    }

    private static RecordingMapping Flush(TemporaryDirectory directory, long flushed, long ready, bool isFilled)
    {
        var files = FileSystems.Default;
        var file = files.Open(Path.Combine(directory.Path, "segment"), FileOpening.Create);
        file.Preallocate(Length);
        var mapping = new RecordingMapping(file.Map(Length, writable: true));
        var spares = new SpareSegments(static _ => throw new NotSupportedException(), File.Delete, static () => default, new AtOnce());
        var header = new SegmentHeader { JournalId = Guid.Empty, FileLength = Length, Salt = 1, Created = 0 };
        var segment = new MappedSegment(new SegmentFile(files, file.Path, file, writable: true), mapping, header,
            new PagePreparer(new AtOnce(), spares, static length => length), ready, isFilled);
        segment.Flush(0, flushed);
        segment.Release();
        return mapping;
    }

    private sealed unsafe class RecordingMapping(IFileMapping inner) : IFileMapping
    {
        public List<(long Position, long Length)> Populated { get; } = [];

        public byte* Pointer => inner.Pointer;

        public long Length => inner.Length;

        public void Populate(long position, long length) => Populated.Add((position, length));

        public void Dispose() => inner.Dispose();
    }
}
