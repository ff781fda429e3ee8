using System.Threading.Channels;

namespace Comet.Client.Producing;

/// <summary>A producer as a channel's writer: pipelined, bounded by the producer's window.</summary>
internal sealed class ProducerChannelWriter<T>(ProducerCore core, MessageEncoder<T> encoder) : ChannelWriter<T>
{
    private volatile bool _isComplete;

    public override bool TryWrite(T item) =>
        !_isComplete && core.TryAppend(new OutgoingMessage<T>(item), encoder, wantsCompletion: false, out _);

    public override async ValueTask<bool> WaitToWriteAsync(CancellationToken cancellationToken = default)
    {
        if (_isComplete)
            return false;
        await core.WaitForRoomAsync(cancellationToken);
        return !_isComplete;
    }

    public override ValueTask WriteAsync(T item, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled(cancellationToken);
        try
        {
            return TryWrite(item) ? ValueTask.CompletedTask : WriteLaterAsync(item, cancellationToken);
        }
        catch (CometException e)
        {
            return ValueTask.FromException(e);
        }
    }

    /// <summary>No more messages; those that were taken stay on their way. With an error too: it is the caller's to report.</summary>
    public override bool TryComplete(Exception? error = null)
    {
        var isFirst = !_isComplete;
        _isComplete = true;
        return isFirst;
    }

    private async ValueTask WriteLaterAsync(T item, CancellationToken cancellationToken)
    {
        while (!TryWrite(item))
        {
            if (!await WaitToWriteAsync(cancellationToken))
                throw new ChannelClosedException();
        }
    }
}
