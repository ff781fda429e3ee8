using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace Comet.Client.Consuming;

/// <summary>A consumer as a channel's reader. It has no buffer of its own: the bound is the receive window, and what is read makes room in
/// it.</summary>
internal sealed class DeliveryChannelReader<T> : ChannelReader<Delivery<T>>
{
    private readonly ConsumerCore _core;
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DeliveryChannelReader(ConsumerCore core)
    {
        _core = core;
        // Nobody has to look at how a channel ended.
        _ = _completion.Task.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted,
            TaskScheduler.Default);
        _ = WatchEndAsync();
    }

    public override Task Completion => _completion.Task;

    public override bool TryRead([MaybeNullWhen(false)] out Delivery<T> item)
    {
        item = Delivery<T>.TryTake(_core);
        if (item is not null)
            return true;
        CompleteWhenEmpty();
        return false;
    }

    public override async ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default)
    {
        // What arrived may be gone again: taken by another reader, or void since the connection was lost.
        while (await _core.WaitAsync(cancellationToken))
        {
            if (_core.HasArrived())
                return true;
        }
        CompleteWhenEmpty();
        return false;
    }

    private async Task WatchEndAsync()
    {
        await foreach (var _ in _core.State.WatchAsync())
        {
            // Only the end counts, behind which there is nothing to watch.
        }
        CompleteWhenEmpty();
    }

    /// <summary>Completes when the consumer has ended and what had arrived before is read.</summary>
    private void CompleteWhenEmpty()
    {
        if (!_core.State.IsFinal || _core.HasArrived())
            return;
        if (_core.State.Fault is null)
            _completion.TrySetResult();
        else
            _completion.TrySetException(_core.Ended());
    }
}
