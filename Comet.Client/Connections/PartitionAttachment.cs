using Comet.Transport;
using Comet.Wire;
using Microsoft.Extensions.Logging;

namespace Comet.Client.Connections;

/// <summary>Keeps a producer or consumer attached to one partition: attaches it, waits until the connection ends or the broker detaches
/// it, and attaches it again, with growing delays, until it is closed or a fault is final.</summary>
internal abstract class PartitionAttachment : IAttachment
{
    private readonly CancellationTokenSource _closing = new();
    private readonly Backoff _backoff;
    private TaskCompletionSource<CometException> _interrupted = NewInterruption();
    private Task _keeping = Task.CompletedTask;

    protected PartitionAttachment(Link link, int number)
    {
        (Link, Number) = (link, number);
        _backoff = new Backoff(link.Options);
    }

    public int Number { get; }

    protected Link Link { get; }

    /// <summary>Attaches for the first time and keeps it so from then on. What is not the network's fault is thrown.</summary>
    /// <param name="deadline">How long to try.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task StartAsync(TimeSpan deadline, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(deadline, Link.Options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        CometException? last = null;
        while (true)
        {
            try
            {
                var connection = await Link.GetAsync(either.Token);
                await AttachAsync(connection, either.Token);
                _keeping = KeepAsync(connection);
                return;
            }
            catch (CometException e) when (!Link.State.IsFinal
                && e.Code is (ErrorCode.ConnectionLost or ErrorCode.BrokerStopping or ErrorCode.NotOwner or ErrorCode.HeartbeatTimeout))
            {
                last = e;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new CometException(ErrorCode.Timeout,
                    $"It could not be attached within {deadline.TotalSeconds:0.#} s{(last is null ? "." : $": {last.Message}")}", last);
            }
            await _backoff.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Attaches for the first time, however long that takes, and keeps it so from then on.</summary>
    /// <exception cref="OperationCanceledException">It was closed meanwhile.</exception>
    /// <exception cref="CometException">It cannot be attached.</exception>
    public async Task JoinAsync() => _keeping = KeepAsync(await AttachAgainAsync(isRefusal: false));

    public abstract void OnFrame(in RawFrame frame, HeaderCodec codec);

    /// <summary>Attaches over this connection; on return it is attached.</summary>
    protected abstract Task AttachAsync(Connection connection, CancellationToken cancellationToken);

    /// <summary>Called when it is attached no more, whoever ended that. <paramref name="connection"/> may be alive or not.</summary>
    protected abstract void OnDetached(Connection connection, CometException reason);

    /// <summary>Called when it cannot be attached again.</summary>
    protected abstract void OnFault(CometException fault);

    /// <summary>Has it attached again, because of this.</summary>
    protected void Interrupt(CometException reason) => Volatile.Read(ref _interrupted).TrySetResult(reason);

    /// <summary>Stops keeping it attached, and waits until nothing more is done.</summary>
    protected async Task StopAsync()
    {
        await _closing.CancelSoonAsync(Link.Options.Engine);
        await _keeping;
    }

    private static TaskCompletionSource<CometException> NewInterruption() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task KeepAsync(Connection connection)
    {
        try
        {
            while (true)
            {
                var interruption = _interrupted.Task;
                await Task.WhenAny(connection.Ended.InContextAsync(), interruption.InContextAsync()).WaitAsync(_closing.Token);
                // What the broker says of this attachment counts for more than the end of the connection behind it.
                var isInterrupted = interruption.IsCompleted;
                var reason = await (isInterrupted ? interruption : connection.Ended);
                Volatile.Write(ref _interrupted, NewInterruption());
                OnDetached(connection, reason);
                if (!reason.IsTransient && isInterrupted)
                    throw reason;
                connection = await AttachAgainAsync(
                    isRefusal: !connection.Ended.IsCompleted && reason.Code != ErrorCode.SubscriptionMoved);
                _backoff.Reset();
            }
        }
        catch (OperationCanceledException) when (_closing.IsCancellationRequested)
        {
            // Closed meanwhile.
        }
        catch (CometException e)
        {
            OnFault(e);
        }
    }

    private async Task<Connection> AttachAgainAsync(bool isRefusal)
    {
        while (true)
        {
            // A broker that is alive and refuses is asked again later; a lost one is replaced at once by the next.
            if (isRefusal)
                await _backoff.WaitAsync(_closing.Token);
            Connection? connection = null;
            try
            {
                connection = await Link.GetAsync(_closing.Token);
                await AttachAsync(connection, _closing.Token);
                return connection;
            }
            // A client that has given up brings no connection any more.
            catch (CometException e) when (e.IsTransient && !Link.State.IsFinal)
            {
                AttachmentLog.Refused(Link.Logger, Number, e.Code, e.Message);
                isRefusal = connection is not { IsEnding: true };
                if (connection is { IsEnding: true })
                    await connection.Ended.InContextAsync().WaitAsync(_closing.Token);
            }
        }
    }
}

internal static partial class AttachmentLog
{
    [LoggerMessage(1101, LogLevel.Warning, "Partition {Partition} could not be attached again: {Code}: {Reason}; trying again")]
    public static partial void Refused(ILogger logger, int partition, ErrorCode code, string reason);
}
