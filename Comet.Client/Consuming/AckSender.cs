using Comet.Client.Connections;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Client.Consuming;

/// <summary>Gathers a partition's acks, sends them, and keeps those that are not confirmed so that they can be sent again over the next
/// connection. Guarded by the consumer's lock, but for sending, which happens outside.</summary>
internal sealed class AckSender
{
    private readonly PartitionConsumer _partition;
    private readonly ConsumerSettings _settings;
    private readonly AckBuffer _gathered = new();
    private readonly List<PendingAck> _unconfirmed = [];
    private readonly ITimer _linger;
    private TaskCompletionSource? _gatheredConfirm;
    private bool _isLingering;

    public AckSender(PartitionConsumer partition, ConsumerSettings settings, TimeProvider time)
    {
        (_partition, _settings) = (partition, settings);
        _linger = time.CreateTimer(static self => ((AckSender)self!).LingerOver(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    public bool HasWork => _gathered.Count > 0 || _unconfirmed.Count > 0;

    /// <summary>Books acks; the caller flushes the connection that is returned.</summary>
    public Connection? Add(long first, long last, out Task? confirm)
    {
        _gathered.Add(first, last);
        confirm = null;
        if (_settings.ConfirmAcks)
        {
            _gatheredConfirm ??= NewConfirm();
            confirm = _gatheredConfirm.Task;
            // While an ack is on its way others gather; its confirm sends them.
            return _unconfirmed.Count == 0 ? SendGathered() : null;
        }
        if (_gathered.Count >= _settings.MaxGatheredAcks)
            return SendGathered();
        if (!_isLingering)
        {
            _isLingering = true;
            _linger.Change(_settings.AckLinger, Timeout.InfiniteTimeSpan);
        }
        return null;
    }

    /// <summary>Acks everything up to an offset.</summary>
    public Connection? AddCumulative(long last, out Task? confirm)
    {
        var connection = SendGathered();
        var pending = new PendingAck(this, [0, last], isCumulative: true, _settings.ConfirmAcks ? NewConfirm() : null);
        confirm = pending.Confirm?.Task;
        _unconfirmed.Add(pending);
        return _partition.SendAck(pending) ?? connection;
    }

    /// <summary>Sends what is gathered, and completes when nothing is unconfirmed any more.</summary>
    public Connection? Flush(out Task confirmed)
    {
        var connection = SendGathered();
        foreach (var pending in _unconfirmed)
            pending.Confirm ??= NewConfirm();
        confirmed = Task.WhenAll(_unconfirmed.Select(static p => p.Confirm!.Task.InContextAsync()));
        return connection;
    }

    /// <summary>Sends what is gathered; the caller flushes.</summary>
    public void SendNow() => SendGathered();

    /// <summary>After a reconnect to the same log: sends again what is unconfirmed, before anything is delivered again.</summary>
    public void SendAgain()
    {
        foreach (var pending in _unconfirmed)
            _partition.SendAck(pending);
        SendGathered();
    }

    /// <summary>The log is another one, and the offsets mean nothing there; or (without a reason) the subscription was moved, and there is
    /// nothing left to ack.</summary>
    public void Drop(CometException? reason)
    {
        _gathered.Clear();
        End(_gatheredConfirm, reason);
        _gatheredConfirm = null;
        foreach (var pending in _unconfirmed)
            End(pending.Confirm, reason);
        _unconfirmed.Clear();
    }

    public ValueTask DisposeAsync() => _linger.DisposeAsync();

    private static TaskCompletionSource NewConfirm() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static void End(TaskCompletionSource? confirm, CometException? reason)
    {
        if (reason is null)
        {
            confirm?.TrySetResult();
            return;
        }
        confirm?.TrySetException(reason);
        // Nobody may be waiting; an exception that nobody looks at is no fault of the program.
        _ = confirm?.Task.Exception;
    }

    private Connection? SendGathered()
    {
        if (_gathered.Count == 0)
            return null;
        var pending = new PendingAck(this, _gathered.Take(), isCumulative: false, _gatheredConfirm);
        _gatheredConfirm = null;
        _unconfirmed.Add(pending);
        return _partition.SendAck(pending);
    }

    private void LingerOver()
    {
        Connection? toFlush;
        lock (_partition.Gate)
        {
            _isLingering = false;
            toFlush = SendGathered();
        }
        toFlush?.Sender.Flush();
    }

    private void Answered(PendingAck pending, CometException? refusal)
    {
        Connection? toFlush = null;
        lock (_partition.Gate)
        {
            // A consumer that the broker has lost is attached again, and the ack sent again.
            if (refusal is { IsTransient: true })
            {
                _partition.Refused(refusal);
                return;
            }
            _unconfirmed.Remove(pending);
            if (_settings.ConfirmAcks && _unconfirmed.Count == 0)
                toFlush = SendGathered();
        }
        toFlush?.Sender.Flush();
        End(pending.Confirm, refusal);
    }

    /// <summary>Acks on their way.</summary>
    internal sealed class PendingAck(AckSender sender, long[] ranges, bool isCumulative, TaskCompletionSource? confirm) : IAnswerHandler
    {
        public long[] Ranges { get; } = ranges;

        public bool IsCumulative { get; } = isCumulative;

        public TaskCompletionSource? Confirm { get; set; } = confirm;

        public void OnAnswer(in RawFrame frame, HeaderCodec codec) =>
            sender.Answered(this, frame.Type == FrameType.Error ? PendingAnswer<OkFrame>.ToException(frame.Read<ErrorFrame>(codec)) : null);

        // It stays unconfirmed and is sent again over the next connection.
        public void OnLost(CometException reason)
        {
        }
    }
}
