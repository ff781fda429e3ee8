using Comet.Journals.FileSystem;
using Comet.Journals.Segments;

namespace Comet.Journals.Preparation;

/// <summary>A file that is to become the next segment: allocated, mapped, its identity durable, its first pages ready.</summary>
/// <param name="file">The file, under a name that is no segment's.</param>
/// <param name="mapping">All of it.</param>
/// <param name="prepared">Pages before this are ready.</param>
internal sealed class SpareSegment(IJournalFile file, IFileMapping mapping, long prepared) : IDisposable
{
    // Short: whoever takes the spare meanwhile waits for it.
    private const long Step = 256 * 1024;

    /// <summary>128 KiB: in one piece of memory each, which even a small flush writes as a whole later.</summary>
    public const int FillLength = 128 * 1024;

    private static readonly byte[] s_zeros = new byte[FillLength];

    private readonly Lock _gate = new();
    private volatile bool _stopped;
    private long _prepared = prepared;

    public IJournalFile File => file;

    public IFileMapping Mapping => mapping;

    /// <summary>Pages before this are ready.</summary>
    public long Prepared => Volatile.Read(ref _prepared);

    /// <summary>Whether it was filled with zeros, in pieces of <see cref="FillLength"/>.</summary>
    public bool IsFilled { get; private set; }

    public bool IsPrepared(SpareGoal goal) => _stopped || Prepared >= Math.Min(goal.To, mapping.Length);

    /// <summary>Makes a few more pages ready; false when no more are to be, or this has been stopped.</summary>
    public bool TryPrepare(SpareGoal goal)
    {
        lock (_gate)
        {
            if (IsPrepared(goal))
                return false;

            var from = Prepared;
            var to = Math.Min(from + Step, Math.Min(goal.To, mapping.Length));
            IsFilled |= goal.Fills;
            if (goal.Fills && !TryFill(from, to))
                _stopped = true;
            mapping.Populate(from, to - from);
            Volatile.Write(ref _prepared, to);
            return !_stopped;
        }
    }

    /// <summary>Returns when nothing is made ready any more: whoever fills the file now would write over records.</summary>
    public void StopPreparing()
    {
        // Said before the lock is asked for: whoever prepares step after step would have it again and again.
        _stopped = true;
        lock (_gate)
            _stopped = true;
    }

    /// <summary>Lets the memory of its pages go.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            mapping.Forget();
            Volatile.Write(ref _prepared, 0);
        }
    }

    public void Dispose()
    {
        mapping.Dispose();
        file.Dispose();
    }

    // The kernel takes memory for what is written in long pieces, and for what is mapped page by page: half the time (decision 0022).
    private bool TryFill(long from, long to)
    {
        try
        {
            for (from = Math.Max(from, SegmentHeader.Length); from < to;)
            {
                var end = Math.Min(to, SegmentLayout.RoundUp(from + 1, FillLength));
                file.Write(s_zeros.AsSpan(0, (int)(end - from)), from);
                from = end;
            }

            return true;
        }
        catch (JournalException)
        {
            // Zeros are there already. What is wrong with the disk is found, and told, by what has to be written.
            return false;
        }
    }
}
