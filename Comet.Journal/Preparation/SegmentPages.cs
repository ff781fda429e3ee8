using Comet.Journals.Background;
using Comet.Journals.FileSystem;
using Comet.Journals.Segments;

namespace Comet.Journals.Preparation;

/// <summary>Up to where the pages of a segment are ready to be written.</summary>
/// <param name="segment">The segment.</param>
/// <param name="mapping">Its pages.</param>
/// <param name="preparer">Says how many are wanted.</param>
/// <param name="ready">Pages before this are ready.</param>
/// <param name="isFilled">Whether they are in pieces of <see cref="SpareSegment.FillLength"/>.</param>
internal sealed class SegmentPages(MappedSegment segment, IFileMapping mapping, PagePreparer preparer, long ready, bool isFilled)
    : IBackgroundWork
{
    // Short, so that whoever maps or unmaps meanwhile, and every writer that then waits behind him, does not wait for long.
    private const long Chunk = 512 * 1024;

    // Short, so that a flush somebody waits for does not wait long behind it.
    private const long ZerosChunk = 128 * 1024;

    private long _ready = ready;
    private long _passed;
    private long _wanted;
    private int _queued;

    /// <summary>Pages before this are ready, or have been passed by writers.</summary>
    public long Ready => Volatile.Read(ref _ready);

    /// <summary>Has pages made ready soon, and the very next ones right now when writers have come closer than a block.</summary>
    public void Request(long position, long to)
    {
        Volatile.Write(ref _passed, position);
        Volatile.Write(ref _wanted, Math.Min(to, segment.Layout.FileLength));
        if (Ready < position + SegmentLayout.BlockLength)
            mapping.Populate(position, SegmentLayout.BlockLength);
        if (Interlocked.Exchange(ref _queued, 1) != 0)
            return;

        if (segment.TryKeep())
            preparer.Background.Queue(this);
    }

    /// <summary>After a flush up to a place: the system has write-protected the rest of the piece of memory there, too, and each page of
    /// it would cost its first writer a fault.</summary>
    public void ReadyAgain(long flushed)
    {
        var from = SegmentLayout.RoundUp(flushed, SegmentLayout.PageLength);
        var to = Math.Min(Ready, SegmentLayout.RoundUp(flushed, SpareSegment.FillLength));
        if (isFilled && from < to)
            mapping.Populate(from, to - from);
    }

    public void Run()
    {
        try
        {
            do
            {
                Prepare();
                Interlocked.Exchange(ref _queued, 0);
            }
            while (Ready < Volatile.Read(ref _wanted) && Interlocked.Exchange(ref _queued, 1) == 0);
        }
        finally
        {
            segment.Release();
        }
    }

    /// <summary>Makes pages of a mapping ready, in steps.</summary>
    public static void Populate(IFileMapping mapping, long from, long to)
    {
        for (; from < to; from += Chunk)
            mapping.Populate(from, Math.Min(Chunk, to - from));
    }

    /// <summary>Lets the memory go; what is in it stays in the file.</summary>
    public void Forget()
    {
        mapping.Forget();
        Volatile.Write(ref _ready, 0);
    }

    private void Prepare()
    {
        while (true)
        {
            var from = Math.Max(Ready, Volatile.Read(ref _passed));
            var length = Math.Min(preparer.WritesZeros ? ZerosChunk : Chunk, Volatile.Read(ref _wanted) - from);
            if (length <= 0)
                return;

            mapping.Populate(from, length);
            if (preparer.WritesZeros)
                segment.FlushOrFail(from, from + length);
            Volatile.Write(ref _ready, from + length);
        }
    }
}
