using System.Buffers;
using System.IO.Pipelines;

namespace Comet.Testing.Transport;

/// <summary>One direction of a connection: carries bytes from one pipe to the next, as the weather lets it, until one end is closed or
/// the connection is cut. Used on the engine only.</summary>
internal sealed class Stretch(PipeReader from, PipeWriter to, Weather weather, TimeProvider time, Fingerprint fingerprint, string name)
{
    // A slow line carries its bytes in so many portions a second.
    private const int PortionsPerSecond = 20;
    // What may be on its way with a delay; then the sender waits.
    private const long MaxUnderway = 1024 * 1024;

    private readonly Queue<(long Due, byte[] Bytes, int Length)> _underway = new();
    private readonly TaskCompletionSource _cut = new();
    private TaskCompletionSource? _wake;
    private long _underwayBytes;
    private bool _isSourceDone;
    private bool _isHeld;
    private long _bytesUntilCut = long.MaxValue;

    /// <summary>Called when as many bytes have arrived as <see cref="CutAfter"/> said.</summary>
    public Action? CutReached { get; set; }

    /// <summary>Called when bytes have arrived.</summary>
    public Action? Arrived { get; set; }

    private bool IsCut => _cut.Task.IsCompleted;

    private bool IsBlocked => weather.IsBlocked || _isHeld;

    /// <summary>Carries until the end; never throws.</summary>
    public async Task RunAsync()
    {
        var reading = ReadAsync();
        await DeliverAsync();
        await reading;
    }

    public void CutAfter(int bytes) => _bytesUntilCut = bytes;

    /// <summary>Carries nothing more.</summary>
    public void Hold() => _isHeld = true;

    /// <summary>Takes back <see cref="Hold"/> and <see cref="CutAfter"/>; who waits looks again when the weather changes.</summary>
    public void Release()
    {
        (_isHeld, _bytesUntilCut) = (false, long.MaxValue);
        Arrived = null;
    }

    /// <summary>What is under way is lost; both ends see the connection end.</summary>
    public void Cut()
    {
        if (!_cut.TrySetResult())
            return;
        from.CancelPendingRead();
        to.CancelPendingFlush();
        Wake();
    }

    private void Wake()
    {
        var wake = _wake;
        _wake = null;
        wake?.TrySetResult();
    }

    private async Task ReadAsync()
    {
        while (!IsCut)
        {
            var result = await from.ReadAsync();
            if (result.IsCanceled)
                break;
            if (!result.Buffer.IsEmpty)
            {
                var length = (int)result.Buffer.Length;
                var bytes = ArrayPool<byte>.Shared.Rent(length);
                result.Buffer.CopyTo(bytes);
                _underway.Enqueue((time.GetTimestamp() + Timestamps(weather.Latency), bytes, length));
                _underwayBytes += length;
            }
            from.AdvanceTo(result.Buffer.End);
            _isSourceDone = result.IsCompleted;
            Wake();
            if (_isSourceDone)
                break;
            while (_underwayBytes >= MaxUnderway && !IsCut)
                await WaitAsync();
        }
        await from.CompleteAsync(IsCut ? Lost() : null);
    }

    private async Task DeliverAsync()
    {
        while (!IsCut)
        {
            if (IsBlocked)
            {
                await Task.WhenAny(weather.Changed, _cut.Task);
                continue;
            }
            if (!_underway.TryPeek(out var next))
            {
                if (_isSourceDone)
                    break;
                await WaitAsync();
                continue;
            }
            if (next.Due > time.GetTimestamp())
            {
                await PassAsync(time.GetElapsedTime(time.GetTimestamp(), next.Due));
                continue;
            }
            if (!await WriteAsync(next.Bytes.AsMemory(0, next.Length)))
                break;
            _underway.Dequeue();
            _underwayBytes -= next.Length;
            ArrayPool<byte>.Shared.Return(next.Bytes);
            Wake();
        }
        await to.CompleteAsync(IsCut ? Lost() : null);
        from.CancelPendingRead();
    }

    /// <summary>Writes in portions; false when the other end takes no more.</summary>
    private async Task<bool> WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            while (IsBlocked && !IsCut)
                await Task.WhenAny(weather.Changed, _cut.Task);
            if (IsCut)
                return false;
            var speed = weather.BytesPerSecond;
            var length = (int)Math.Min(bytes.Length, _bytesUntilCut);
            if (speed > 0)
                length = Math.Min(length, Math.Max(1, speed / PortionsPerSecond));
            if (length > 0)
            {
                fingerprint.Add(time.GetTimestamp(), name, bytes.Span[..length]);
                var flushed = await to.WriteAsync(bytes[..length]);
                if (flushed.IsCompleted || IsCut)
                    return false;
                bytes = bytes[length..];
                Arrived?.Invoke();
            }
            if ((_bytesUntilCut -= _bytesUntilCut == long.MaxValue ? 0 : length) <= 0)
            {
                CutReached?.Invoke();
                return false;
            }
            if (speed > 0)
                await PassAsync(TimeSpan.FromSeconds((double)length / speed));
        }
        return true;
    }

    // Task.Delay drops what is less than a millisecond, and would not wait at all for that.
    private Task<Task> PassAsync(TimeSpan span) =>
        Task.WhenAny(Task.Delay(TimeSpan.FromMilliseconds(Math.Ceiling(span.TotalMilliseconds)), time), _cut.Task);

    private Task WaitAsync()
    {
        _wake ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _wake.Task;
    }

    private long Timestamps(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private static IOException Lost() => new("The test has cut the connection.");
}
