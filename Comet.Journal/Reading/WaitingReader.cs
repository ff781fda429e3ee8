using System.Threading.Tasks.Sources;
using Comet.Journals.Control;

namespace Comet.Journals.Reading;

/// <summary>One reader's wait, used again and again: it allocates nothing.</summary>
internal sealed class WaitingReader(JournalState state) : IValueTaskSource
{
    private const int Idle = 0;
    private const int Waiting = 1;

    private ManualResetValueTaskSourceCore<bool> _source = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private WaitTarget _target;
    private int _phase;

    public bool IsWaiting => Volatile.Read(ref _phase) == Waiting;

    /// <summary>Waits until something is published at the target, or it is time to look again for another reason.</summary>
    public ValueTask WaitAsync(WaitTarget target, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _source.Reset();
        _target = target;
        Volatile.Write(ref _phase, Waiting);
        _registration = cancellationToken.UnsafeRegister(
            static (self, token) => ((WaitingReader)self!).Cancel(token), this);
        state.Waiter.Add(this);
        return new ValueTask(this, _source.Version);
    }

    /// <summary>Whether the reader has to look again. Called by the waiter's thread, while the wait is under way.</summary>
    /// <param name="lookForHoles">Whether to see, too, if a writer died where the reader is.</param>
    public bool IsReady(bool lookForHoles)
    {
        if (_target.IsPublished || state.IsDisposed)
            return true;
        if (!lookForHoles)
            return false;

        return !_target.IsKnown
            || (_target.Segment is { } segment && state.Holes is { } holes
                && holes.Look(segment, _target.Position) is HoleState.Closed or HoleState.Damaged);
    }

    public void Wake()
    {
        if (Interlocked.CompareExchange(ref _phase, Idle, Waiting) == Waiting)
            _source.SetResult(true);
    }

    public void Fail(Exception cause)
    {
        if (Interlocked.CompareExchange(ref _phase, Idle, Waiting) == Waiting)
            _source.SetException(cause);
    }

    public void GetResult(short token)
    {
        // Ends only when a cancellation that is under way is over: it must not hit the next wait.
        _registration.Dispose();
        _ = _source.GetResult(token);
    }

    public ValueTaskSourceStatus GetStatus(short token) => _source.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? data, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _source.OnCompleted(continuation, data, token, flags);

    private void Cancel(CancellationToken token) => state.Waiter.Cancel(this, token);
}
