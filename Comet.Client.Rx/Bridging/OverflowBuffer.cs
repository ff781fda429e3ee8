using System.Diagnostics.CodeAnalysis;

namespace Comet.Client.Rx.Bridging;

/// <summary>A bounded queue between a source that pushes and a producer that is pulled, with a policy for when it is full.</summary>
internal sealed class OverflowBuffer<T>(OverflowPolicy policy, int capacity)
{
    // A monitor and not a Lock: with OverflowPolicy.Wait the source's thread waits here.
    private readonly object _gate = new();
    private readonly LinkedList<T> _values = [];
    private bool _isPeeked;
    private bool _isClosed;
    private bool _isComplete;

    public long DroppedCount { get; private set; }

    /// <summary>What the source ended with; null for a good end.</summary>
    public Exception? Error { get; private set; }

    public bool IsEmpty
    {
        get
        {
            lock (_gate)
                return _values.Count == 0 && !_isComplete;
        }
    }

    /// <summary>Whether the source has ended and everything that it gave has been taken out.</summary>
    public bool IsComplete
    {
        get
        {
            lock (_gate)
                return _isComplete && _values.Count == 0;
        }
    }

    // The value that is being sent at this moment cannot be dropped any more, and does not count.
    private bool IsFull => _values.Count - (_isPeeked ? 1 : 0) >= capacity;

    /// <summary>Adds a value; false when it was not taken, or took nobody's notice to be sent.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.BufferFull"/>.</exception>
    public bool Add(T value)
    {
        lock (_gate)
        {
            if (_isComplete || _isClosed || (IsFull && !MakeRoom()))
                return false;
            _values.AddLast(value);
            return true;
        }
    }

    /// <summary>The oldest value; it stays until it is removed, and no policy drops it meanwhile.</summary>
    public bool TryPeek([MaybeNullWhen(false)] out T value)
    {
        lock (_gate)
        {
            _isPeeked = _values.Count > 0;
            value = _isPeeked ? _values.First!.Value : default;
            return _isPeeked;
        }
    }

    public void Remove()
    {
        lock (_gate)
        {
            _values.RemoveFirst();
            _isPeeked = false;
            Monitor.Pulse(_gate);
        }
    }

    public void Complete(Exception? error)
    {
        lock (_gate)
        {
            if (_isComplete)
                return;
            _isComplete = true;
            Error = error;
        }
    }

    /// <summary>Drops what is left, and lets go of who waits.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _values.Clear();
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>False when the new value must not come in.</summary>
    private bool MakeRoom()
    {
        switch (policy)
        {
            case OverflowPolicy.Wait:
                while (IsFull && !_isClosed)
                    Monitor.Wait(_gate);
                return !_isClosed;
            case OverflowPolicy.Fail:
                throw new CometException(ErrorCode.BufferFull,
                    $"{capacity} values wait for the broker; the source is faster than it. Use another overflow policy, or a larger "
                    + "buffer.");
            case OverflowPolicy.DropNewest:
                DroppedCount++;
                return false;
            case OverflowPolicy.DropOldest:
                Drop(1);
                return true;
            default:
                Drop(int.MaxValue);
                return true;
        }
    }

    private void Drop(int most)
    {
        for (; most > 0 && (_isPeeked ? _values.First!.Next : _values.First) is { } oldest; most--)
        {
            _values.Remove(oldest);
            DroppedCount++;
        }
    }
}
