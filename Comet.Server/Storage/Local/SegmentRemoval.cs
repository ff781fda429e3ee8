using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Comet.Server.Storage.Local;

/// <summary>The removal of a partition's segments on another thread: one at a time, and none once the partition is closed, whose files may
/// be somebody else's then, or be gone.</summary>
internal sealed class SegmentRemoval
{
    private readonly Lock _gate = new();
    private Exception? _failure;
    private int _isUnderWay;
    private bool _isOver;

    /// <summary>False when one is under way.</summary>
    public bool TryBegin() => Interlocked.CompareExchange(ref _isUnderWay, 1, 0) == 0;

    /// <summary>Carries out the one that was begun.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "The owner is told.")]
    public void Run(Action remove)
    {
        lock (_gate)
        {
            try
            {
                if (!_isOver)
                    remove();
            }
            catch (ObjectDisposedException)
            {
                // The partition rests: what is left is removed the next time.
            }
            catch (Exception e)
            {
                Volatile.Write(ref _failure, e);
            }
        }
        Volatile.Write(ref _isUnderWay, 0);
    }

    /// <summary>Throws what the last one has thrown.</summary>
    public void RequireSuccess()
    {
        if (Volatile.Read(ref _failure) is { } failure)
            ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>Waits for one that is under way; none begins from now on.</summary>
    public void End()
    {
        lock (_gate)
            _isOver = true;
    }
}
