using Comet.Journals.Background;
using Comet.Journals.Segments;

namespace Comet.Journals.Preparation;

/// <summary>Has the pages that writers come to next ready, in the background. How far ahead follows how fast they are: a journal that is
/// hardly used prepares hardly anything.</summary>
/// <param name="background">Where they are.</param>
/// <param name="spares">The segments after this one.</param>
/// <param name="nextLength">How long the next one is to be.</param>
/// <param name="leastAhead">How many bytes are prepared for those who are not known to be any faster.</param>
internal sealed class PagePreparer(
    IBackgroundQueue background, SpareSegments spares, Func<long, long> nextLength, long leastAhead = PagePreparer.LeastAhead)
{
    /// <summary>128 KiB.</summary>
    public const long LeastAhead = 128 * 1024;

    /// <summary>4 MiB, 200 MB/s: from here on segments are filled as fast as spares are made while the disk is busy with what was appended:
    /// two are kept.</summary>
    public const long FastAhead = 4 * 1024 * 1024;

    private const long MostAhead = 32 * 1024 * 1024;

    // 100 MB/s: above that zeros are not worth their way to the disk.
    private const long MostZeros = 2 * 1024 * 1024;

    // A quarter of a segment: a spare is made in some milliseconds.
    private const int SpareAfter = 4;

    private const int FastSpares = 2;

    // What is prepared lasts about so long.
    private static readonly TimeSpan Lead = TimeSpan.FromMilliseconds(20);

    private readonly long _leastAhead = leastAhead;
    private long _ahead = leastAhead;
    private long _asked;

    public IBackgroundQueue Background => background;

    /// <summary>How many bytes are prepared ahead.</summary>
    public long Ahead => Volatile.Read(ref _ahead);

    /// <summary>Whether somebody waits for flushes.</summary>
    public bool IsWaitedFor { get; set; }

    /// <summary>Whether the zeros of prepared pages are written out, too. A flush of pages the disk knows takes half the time, because
    /// nothing about the file changes. Who writes much waits for bytes and not for that: all of them would go to the disk twice.</summary>
    public bool WritesZeros => IsWaitedFor && Ahead <= MostZeros;

    /// <summary>How much of a spare is to be ready: all of it, filled, for fast writers who wait for no flush. One that is flushed often
    /// has its pages one by one, since each flush writes a piece of memory as a whole. Where zeros are written out, pages are ready only
    /// with their flush.</summary>
    public SpareGoal SpareGoal =>
        IsFast && !IsWaitedFor ? new(long.MaxValue, Fills: true) : new(WritesZeros ? 0 : Ahead, Fills: false);

    private bool IsFast => Ahead >= FastAhead;

    /// <summary>What a failed flush of prepared pages does: it stops the journal like any other.</summary>
    public Action<JournalException> Fail { get; set; } = static _ => { };

    /// <summary>A writer has come to a position.</summary>
    public void Enter(MappedSegment segment, long position)
    {
        if (segment.Pages!.Ready - position < Ahead / 2)
            segment.Pages.Request(position, position + Adapt());

        if (!IsFast && position < segment.Layout.FileLength / SpareAfter)
            return;
        // While segments grow, a second one would be too short.
        var next = nextLength(segment.Layout.FileLength);
        spares.Request(next, IsFast && next == segment.Layout.FileLength ? FastSpares : 1);
    }

    /// <summary>Nothing has been appended for a while.</summary>
    public void Rest()
    {
        Volatile.Write(ref _ahead, _leastAhead);
        spares.Rest();
    }

    // Half of it has been used since the last time.
    private long Adapt()
    {
        var now = TimeProvider.System.GetTimestamp();
        var took = TimeProvider.System.GetElapsedTime(Interlocked.Exchange(ref _asked, now), now);
        var ahead = Ahead;
        ahead = took < Lead / 2 ? Math.Min(ahead * 2, MostAhead) : took > Lead * 2 ? Math.Max(ahead / 2, _leastAhead) : ahead;
        Volatile.Write(ref _ahead, ahead);
        return ahead;
    }
}
