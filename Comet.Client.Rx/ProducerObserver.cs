using Comet.Client.Rx.Bridging;

namespace Comet.Client.Rx;

/// <summary>A producer as an observer. Made by <see cref="ProducerExtensions.AsObserver{T}"/>.</summary>
/// <typeparam name="T">What is sent.</typeparam>
/// <remarks>OnNext is thread-safe. A value goes straight into the producer's window while that has room, and through a bounded buffer while
/// it has not. The producer stays the caller's to dispose.</remarks>
public sealed class ProducerObserver<T> : IObserver<T>, IDisposable
{
    private readonly Producer<T> _producer;
    private readonly OverflowBuffer<T> _buffer;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _draining = new();
    private bool _isDraining;

    internal ProducerObserver(Producer<T> producer, OverflowPolicy policy, int capacity)
    {
        _producer = producer;
        _buffer = new OverflowBuffer<T>(policy, capacity);
        // An observer that nobody waits for may fault without ending the program.
        _ = _completion.Task.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
            TaskScheduler.Default);
    }

    /// <summary>Completes when OnCompleted was called and every value is confirmed. Faults with what OnError was called with, or with the
    /// producer's fault. Is cancelled by <see cref="Dispose"/>.</summary>
    public Task Completion => _completion.Task;

    /// <summary>How many values the overflow policy has dropped.</summary>
    public long DroppedCount => _buffer.DroppedCount;

    /// <summary>Sends a value.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.BufferFull"/> with <see cref="OverflowPolicy.Fail"/>; the producer's fault; or
    /// the value cannot be serialized.</exception>
    public void OnNext(T value)
    {
        if (_completion.Task.IsFaulted)
            throw ToCometException(_completion.Task.Exception!.InnerException!);
        if (_stopping.IsCancellationRequested)
            return;
        // In order: nothing passes what waits in the buffer.
        if (_buffer.IsEmpty && _producer.Writer.TryWrite(value))
            return;
        if (_buffer.Add(value))
            StartDraining();
    }

    /// <summary>The source has failed: what it gave before is still sent, then <see cref="Completion"/> faults with this.</summary>
    public void OnError(Exception error)
    {
        _buffer.Complete(error);
        StartDraining();
    }

    /// <summary>The source has ended: <see cref="Completion"/> completes when every value is confirmed.</summary>
    public void OnCompleted()
    {
        _buffer.Complete(null);
        StartDraining();
    }

    /// <summary>Takes no more values and drops those in the buffer; those in the producer's window stay on their way.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        _buffer.Close();
        _completion.TrySetCanceled();
    }

    private static CometException ToCometException(Exception e) => e is CometException known
        ? new(known.Code, known.Message, known)
        : new(ErrorCode.Closed, $"The sequence has failed already: {e.Message}", e);

    private void StartDraining()
    {
        lock (_draining)
        {
            if (_isDraining)
                return;
            _isDraining = true;
        }
        _ = Task.Run(DrainAsync);
    }

    private async Task DrainAsync()
    {
        try
        {
            while (true)
            {
                while (_buffer.TryPeek(out var value))
                {
                    if (_producer.Writer.TryWrite(value))
                        _buffer.Remove();
                    else
                        await _producer.Writer.WaitToWriteAsync(_stopping.Token);
                }
                if (_buffer.IsComplete)
                {
                    await FinishAsync();
                    return;
                }
                lock (_draining)
                {
                    if (_buffer.IsEmpty)
                    {
                        _isDraining = false;
                        return;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            _buffer.Close();
        }
        // What the producer throws is the observer's end; OnNext and Completion tell it.
        catch (Exception e)
        {
            _completion.TrySetException(e);
            _buffer.Close();
        }
    }

    private async Task FinishAsync()
    {
        await _producer.FlushAsync(_stopping.Token);
        if (_buffer.Error is { } error)
            _completion.TrySetException(error);
        else
            _completion.TrySetResult();
    }
}
