using System.Buffers;
using System.IO.Pipelines;
using Comet.Wire;

namespace Comet.Transport;

/// <summary>The sending half of a connection. Any thread appends frames to one buffer while another buffer is being written, and the
/// two change places: whatever gathers during a write goes out in the next one, so batches grow with the load and no timer is
/// needed.</summary>
/// <remarks>The thread that finds nothing being written writes; that is the shortest way to the socket for a single message.
/// Order: frames leave in the order in which they were given to Send.</remarks>
internal sealed class FrameSender
{
    // A thread that sends one frame must not be kept writing for the others for ever.
    private const int MaxInlineWrites = 16;
    private const int InitialBuffer = 16 * 1024;
    // A buffer that one burst has made larger is given back.
    private const int KeepBuffer = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly FrameEncoder _encoder = new();
    private readonly PipeWriter _output;
    private readonly SynchronizationContext? _engine;
    private readonly int _maxUnsentBytes;
    private readonly long _holdBytes;
    private GrowableBuffer _gathering = new(InitialBuffer);
    private GrowableBuffer _writing = new(InitialBuffer);
    private TaskCompletionSource? _spaceWaiter;
    private TaskCompletionSource? _endWaiter;
    private bool _isWriting;
    private bool _ended;
    private int _corks;
    private int _writingBytes;

    /// <param name="output">Where the bytes go; this sender is its only writer.</param>
    /// <param name="codec">The codec of frames until <see cref="Codec"/> is set anew.</param>
    /// <param name="maxUnsentBytes">Above this <see cref="HasSpace"/> is false.</param>
    /// <param name="holdBytes">Above this <see cref="WaitForSpaceAsync"/> waits; null: the same.</param>
    public FrameSender(PipeWriter output, HeaderCodec codec, int maxUnsentBytes, long? holdBytes = null)
    {
        _output = output;
        Codec = codec;
        _maxUnsentBytes = maxUnsentBytes;
        _holdBytes = holdBytes ?? maxUnsentBytes;
        _engine = SynchronizationContext.Current;
    }

    /// <summary>The codec of the frames from here on. Set it between frames only: after the handshake.</summary>
    public HeaderCodec Codec { get; set; }

    /// <summary>Called, on the writing thread, when <see cref="HasSpace"/> has become true again. Must not throw or block.</summary>
    public Action? SpaceAvailable { get; set; }

    /// <summary>Why sending ended, when a write failed; otherwise null.</summary>
    public Exception? Fault { get; private set; }

    /// <summary>Whether less is waiting than the limit. Answers are still taken when it is false, deliveries should not be made.</summary>
    public bool HasSpace
    {
        get
        {
            lock (_gate)
                return Unsent < _maxUnsentBytes;
        }
    }

    /// <summary>Whether <see cref="WaitForSpaceAsync"/> would not wait. Read without the lock, so it may be late by one frame.</summary>
    public bool IsBelowHold => _ended || Unsent < _holdBytes;

    private long Unsent => (long)_gathering.Length + _writingBytes;

    /// <summary>Appends a frame; false when the connection has ended and the frame goes nowhere.</summary>
    public bool Send<TFrame>(in TFrame frame, ulong correlationId = 0)
        where TFrame : struct, IFrame<TFrame> => Send(frame, correlationId, ReadOnlySequence<byte>.Empty);

    /// <summary>Appends a frame with a payload, which is copied before the call returns.</summary>
    public bool Send<TFrame>(in TFrame frame, ulong correlationId, ReadOnlyMemory<byte> payload)
        where TFrame : struct, IFrame<TFrame> => Send(frame, correlationId, new ReadOnlySequence<byte>(payload));

    /// <inheritdoc cref="Send{TFrame}(in TFrame, ulong, ReadOnlyMemory{byte})"/>
    public bool Send<TFrame>(in TFrame frame, ulong correlationId, in ReadOnlySequence<byte> payload)
        where TFrame : struct, IFrame<TFrame>
    {
        if (!Append(frame, correlationId, payload))
            return false;
        Flush();
        return true;
    }

    /// <summary>Appends a frame and leaves the writing to <see cref="Flush"/>: for a caller that holds a lock, which must not be held
    /// during a write. False when the connection has ended.</summary>
    public bool Append<TFrame>(in TFrame frame, ulong correlationId, in ReadOnlySequence<byte> payload)
        where TFrame : struct, IFrame<TFrame>
    {
        lock (_gate)
        {
            if (_ended || _endWaiter is not null)
                return false;
            var start = _gathering.Length;
            var headerLength = _encoder.Encode(_gathering, Codec, frame, correlationId, payload);
            if (headerLength > FrameLimits.MaxAnswerHeaderLength)
            {
                _gathering.Truncate(start);
                _encoder.Encode(_gathering, Codec, TooLong(headerLength), correlationId, ReadOnlySequence<byte>.Empty);
            }
            return true;
        }
    }

    // The peer would end the connection.
    private static ErrorFrame TooLong(int length) => new(ErrorCode.LimitExceeded,
        $"The answer has {length} bytes, which is beyond the limit of {FrameLimits.MaxAnswerHeaderLength}: ask for less.", null);

    /// <summary>Sees to it that what was appended is written.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_isWriting || _corks > 0 || _ended || _gathering.Length == 0)
                return;
            _isWriting = true;
        }
        StartWriting();
    }

    /// <summary>Appends bytes that are no frame: the preface.</summary>
    public void SendPreface()
    {
        lock (_gate)
            _gathering.Write(Preface.Bytes);
    }

    /// <summary>Holds frames back until <see cref="Uncork"/>, so that the answers to one read leave in one write.</summary>
    public void Cork()
    {
        lock (_gate)
            _corks++;
    }

    /// <summary>Ends one <see cref="Cork"/>; the last one lets the frames go.</summary>
    public void Uncork()
    {
        lock (_gate)
            _corks--;
        Flush();
    }

    /// <summary>Completes when no more than the hold limit is unsent, or the connection has ended.</summary>
    public ValueTask WaitForSpaceAsync(CancellationToken cancellationToken)
    {
        Task waiting;
        lock (_gate)
        {
            if (_ended || Unsent < _holdBytes)
                return ValueTask.CompletedTask;
            _spaceWaiter ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting = _spaceWaiter.Task;
        }
        return new ValueTask(waiting.InContextAsync().WaitAsync(cancellationToken));
    }

    /// <summary>Writes out what is there and takes no more frames. Completes when the output is let go of, also when writing
    /// failed; to bound it, dispose the connection or <see cref="Abort"/>.</summary>
    public async Task EndAsync()
    {
        Task written;
        bool mustStart;
        lock (_gate)
        {
            if (_ended)
                return;
            _endWaiter ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            written = _endWaiter.Task;
            mustStart = !_isWriting;
            _isWriting = true;
        }
        if (mustStart)
            StartWriting();
        await written;
        End(null);
    }

    /// <summary>Takes no more frames and drops what is unsent.</summary>
    public void Abort(Exception? fault) => End(fault);

    private void StartWriting()
    {
        using (EngineContext.Enter(_engine))
        {
            _ = WriteAllAsync();
        }
    }

    private async Task WriteAllAsync()
    {
        try
        {
            for (var writes = 1; TakeGathered(); writes++)
            {
                var result = await _output.WriteAsync(_writing.WrittenMemory);
                if (result.IsCompleted || result.IsCanceled)
                {
                    End(null);
                    return;
                }
                if (writes % MaxInlineWrites == 0)
                    await Task.Yield();
            }
        }
        // Whatever the transport throws, the connection is over: the receiving half classifies it.
        catch (Exception e)
        {
            End(e);
        }
    }

    /// <summary>Swaps the buffers; false when there is nothing to write.</summary>
    private bool TakeGathered()
    {
        TaskCompletionSource? waiter = null;
        bool hadNoSpace;
        bool more;
        lock (_gate)
        {
            hadNoSpace = Unsent >= _maxUnsentBytes;
            _writing.Reset(KeepBuffer);
            _writingBytes = 0;
            more = _gathering.Length > 0 && !_ended;
            if (more)
            {
                (_gathering, _writing) = (_writing, _gathering);
                _writingBytes = _writing.Length;
            }
            else
            {
                _isWriting = false;
                _endWaiter?.TrySetResult();
            }
            if (Unsent < _holdBytes)
                (waiter, _spaceWaiter) = (_spaceWaiter, null);
            hadNoSpace &= Unsent < _maxUnsentBytes;
        }
        waiter?.TrySetResult();
        if (hadNoSpace)
            SpaceAvailable?.Invoke();
        return more;
    }

    private void End(Exception? fault)
    {
        TaskCompletionSource? waiter;
        lock (_gate)
        {
            Fault ??= fault;
            _ended = true;
            _isWriting = false;
            _gathering.Truncate(0);
            (waiter, _spaceWaiter) = (_spaceWaiter, null);
            _endWaiter?.TrySetResult();
        }
        waiter?.TrySetResult();
    }
}
