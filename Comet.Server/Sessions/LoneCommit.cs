using Comet.Server.Broker;

namespace Comet.Server.Sessions;

/// <summary>Carries out a commit on the thread that has received a publish, when that is all its connection has under way: the confirm then
/// waits for the disk and for no other thread. Waking those costs 20 to 40 µs each, half as much as a flush.</summary>
/// <remarks>A sender that goes on without waiting must not be held up by the flush: it sends several batches, or large ones, and has those
/// committed in the background. Called by the session's receiving thread only.</remarks>
internal sealed class LoneCommit(TimeProvider time)
{
    // What a receive of a sender that does not wait is larger than: its batches grow while they wait.
    private const int MaxBytes = 16 * 1024;

    // A disk that takes longer is not worth a thread of the pool, and the hops are little beside it.
    private const int TryAgainAfter = 8;
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(1);

    // Threads of the pool that may wait for the disk at the same time: others must be left for everything else.
    private static readonly int s_maxAtOnce = Math.Max(1, Environment.ProcessorCount / 2);
    private static int s_atOnce;

    private PartitionActor? _partition;
    private int _publishes;
    private int _bytes;
    private int _skipped = TryAgainAfter;
    private bool _isBurst;

    /// <summary>Frames are about to be handled.</summary>
    public void BeginBurst() => (_isBurst, _publishes) = (true, 0);

    /// <summary>A publish was received.</summary>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="isOnly">Whether nothing else that was published is unanswered.</param>
    public void Received(int bytes, bool isOnly) => (_bytes, _publishes) = (bytes, isOnly ? _publishes + 1 : int.MaxValue);

    /// <summary>Takes over the commit of the publish that was just handled; false: it has to be made in the background.</summary>
    public bool TryTake(PartitionActor partition)
    {
        if (!_isBurst || _partition is not null || _publishes != 1 || _bytes > MaxBytes)
            return false;
        if (_skipped < TryAgainAfter)
        {
            _skipped++;
            return false;
        }
        if (Interlocked.Increment(ref s_atOnce) > s_maxAtOnce)
        {
            Interlocked.Decrement(ref s_atOnce);
            return false;
        }
        _partition = partition;
        return true;
    }

    /// <summary>All that has come is handled: makes the commit that was taken over, or gives it back when more was published.</summary>
    public void EndBurst()
    {
        _isBurst = false;
        if (_partition is not { } partition)
            return;
        _partition = null;
        if (_publishes == 1)
        {
            var start = time.GetTimestamp();
            partition.CommitHere();
            if (time.GetElapsedTime(start) > s_patience)
                _skipped = 0;
        }
        else
        {
            partition.CommitLater();
        }
        Interlocked.Decrement(ref s_atOnce);
    }
}
