using System.Buffers;
using Comet.Server.Storage;
using Comet.Transport;
using Microsoft.Extensions.Logging;

namespace Comet.Server.Broker;

/// <summary>Lets one thread at a time into a partition. Who posts a command and finds the partition free carries it out, and what
/// others post meanwhile; who finds it busy leaves the command in the queue. So a single message takes no thread hop, and under load
/// commands gather into groups that share one commit (decision 0006).</summary>
/// <remarks>The queue is bounded by what sessions may have unanswered (CometServerOptions.MaxInFlightPublishBytes for each).</remarks>
internal sealed class PartitionActor : IDisposable
{
    // Confirms and deliveries must not wait for an endless queue, nor a thread carry out the work of all others for ever.
    private const int GroupSize = 64;
    private const int MaxGroupsInline = 8;

    // A day: a timer that fires before its time is armed again.
    private const long MaxTimerMilliseconds = 24L * 3600 * 1000;

    private readonly Partition _partition;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SynchronizationContext? _engine;
    private readonly Action<Action>? _disk;
    private readonly Lock _gate = new();
    private readonly Queue<PartitionCommand> _queue = new();
    private readonly ITimer _timer;
    private long _timerDue = long.MaxValue;
    private bool _isRunning;
    private bool _isCommitting;

    /// <param name="partition">The partition.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="logger">Told what goes wrong.</param>
    /// <param name="disk">Runs what waits for files to be opened, closed or removed, on a thread that may wait; null where nothing
    /// does.</param>
    public PartitionActor(Partition partition, TimeProvider time, ILogger logger, Action<Action>? disk = null)
    {
        (_partition, _time, _logger) = (partition, time, logger);
        partition.Inbox = command => Post(command);
        _engine = SynchronizationContext.Current;
        _disk = _engine is null ? disk : null;
        _timer = time.CreateTimer(
            static self => ((PartitionActor)self!).Post(new(CommandKind.Wake)), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public string Topic => _partition.Topic;

    public int Number => _partition.Number;

    /// <summary>Why the partition is offline; null while it is not.</summary>
    public string? OfflineBecause => _partition.OfflineBecause;

    public PartitionCounters Counters => _partition.Counters;

    /// <summary>How much the partition keeps, as <see cref="IPartitionLog.KnownSize"/>.</summary>
    public LogSize? KnownSize => _partition.KnownSize;

    /// <summary>Carries out a command, or leaves it to who is inside. Never blocks for long, never throws.</summary>
    public void Post(in PartitionCommand command)
    {
        bool waits;
        lock (_gate)
        {
            var isFree = !_isRunning;
            waits = isFree && Waits(command);
            if (!isFree || waits)
                _queue.Enqueue(Keep(command));
            if (!isFree)
                return;
            _isRunning = true;
        }
        if (waits)
            _disk!(RunWaiting);
        else
            Enter(command);
    }

    /// <summary>Makes the commit that the caller has taken over, and waits for the disk.</summary>
    public void CommitHere()
    {
        var outcome = new PartitionCommand(CommandKind.Committed);
        try
        {
            _partition.CommitPrepared();
        }
        catch (ObjectDisposedException)
        {
            // Closed meanwhile: there is nobody left to be told.
        }
        catch (Exception e)
        {
            outcome = Failed(e);
        }
        _isCommitting = false;
        Post(outcome);
    }

    /// <summary>Has the commit that the caller has taken over made in the background.</summary>
    public void CommitLater()
    {
        _isCommitting = false;
        Post(new(CommandKind.Committed));
    }

    public void Dispose() => _timer.Dispose();

    /// <summary>A batch that has to wait is copied: the receive buffer it stands in is used again when the poster returns.</summary>
    private static PartitionCommand Keep(in PartitionCommand command)
    {
        if (command.Kind != CommandKind.Publish)
            return command;
        var rented = ArrayPool<byte>.Shared.Rent(command.Batch.Length);
        command.Batch.CopyTo(rented);
        return command with { Batch = rented.AsMemory(0, command.Batch.Length), Rented = rented };
    }

    private void Enter(in PartitionCommand command)
    {
        var now = UnixMicroseconds.Now(_time);
        Handle(command, now);
        FinishGroup(now, command.Kind == CommandKind.Publish ? command.Producer!.Peer : null);
        RunQueue();
    }

    private void RunQueue()
    {
        for (var group = 0; group < MaxGroupsInline; group++)
        {
            var now = UnixMicroseconds.Now(_time);
            var (handled, waits) = (0, false);
            for (; handled < GroupSize && TryTake(leaveWhenEmpty: handled == 0, out var command, out waits); handled++)
                Handle(command, now);
            if (handled > 0)
                FinishGroup(now);
            if (waits)
                _disk!(RunWaiting);
            if (waits || handled == 0)
                return;
        }
        using (EngineContext.Enter(_engine))
            _ = RunQueueLaterAsync();
    }

    /// <summary>Carries out the next command, which waits for files, on a thread that may; what follows goes back to the pool. So a slow
    /// file stops its partition alone, and none of the broker's threads.</summary>
    private void RunWaiting()
    {
        var now = UnixMicroseconds.Now(_time);
        PartitionCommand command;
        lock (_gate)
            command = _queue.Dequeue();
        Handle(command, now);
        FinishGroup(now);
        _ = RunQueueLaterAsync();
    }

    private bool Waits(in PartitionCommand command) => _disk is not null && _partition.WaitsFor(command);

    private async Task RunQueueLaterAsync()
    {
        await Task.Yield();
        RunQueue();
    }

    /// <summary>Takes the next command, unless it waits for files: that stays.</summary>
    private bool TryTake(bool leaveWhenEmpty, out PartitionCommand command, out bool waits)
    {
        lock (_gate)
        {
            waits = _queue.TryPeek(out command) && Waits(command);
            if (waits)
                return false;
            if (_queue.TryDequeue(out command))
                return true;
            if (leaveWhenEmpty)
                _isRunning = false;
            return false;
        }
    }

    private void Handle(in PartitionCommand command, long now)
    {
        // A timer may fire a little before its time, and it fires once: whatever is due next needs it armed anew.
        if (command.Kind == CommandKind.Wake)
            _timerDue = long.MaxValue;
        try
        {
            _partition.Handle(command, now);
        }
        catch (Exception e) when (command.Kind != CommandKind.StorageFailed)
        {
            Fail(e, now);
            // The partition is closed now and refuses the command, so that who sent it is answered too.
            _partition.Handle(command, now);
        }
        finally
        {
            if (command.Rented is not null)
                ArrayPool<byte>.Shared.Return(command.Rented);
        }
    }

    private void FinishGroup(long now, IPeer? poster = null)
    {
        try
        {
            if (_partition.NeedsCommit && !_isCommitting && !IsTaken(poster))
                Commit();
            _partition.Advance(now);
            ArmTimer(now);
        }
        catch (Exception e)
        {
            Fail(e, now);
        }
    }

    /// <summary>Whether who has posted makes the commit. Not in a simulation, whose one thread waits for nothing.</summary>
    private bool IsTaken(IPeer? poster) => poster is not null && _engine is null
        && _partition.TryPrepareCommit() && (_isCommitting = poster.TakesCommit(this));

    private void Commit()
    {
        var committing = _partition.CommitAsync(CancellationToken.None);
        if (committing.IsCompletedSuccessfully)
            return;
        _isCommitting = true;
        using (EngineContext.Enter(_engine))
            _ = AwaitCommitAsync(committing);
    }

    private async Task AwaitCommitAsync(ValueTask committing)
    {
        PartitionCommand outcome;
        try
        {
            await committing;
            outcome = new(CommandKind.Committed);
        }
        catch (Exception e)
        {
            outcome = Failed(e);
        }
        _isCommitting = false;
        Post(outcome);
    }

    private PartitionCommand Failed(Exception e)
    {
        PartitionLog.StorageFailed(_logger, _partition.Topic, _partition.Number, e.Message, e);
        return new(CommandKind.StorageFailed) { Detail = $"Storage of '{_partition.Topic}' failed: {e.Message}" };
    }

    /// <summary>A fault in the core takes this partition offline, with its clients told, and nothing else.</summary>
    private void Fail(Exception e, long now)
    {
        PartitionLog.PartitionFailed(_logger, _partition.Topic, _partition.Number, e.Message, e);
        _partition.Handle(new(CommandKind.StorageFailed) { Detail = $"Partition {_partition.Number} of '{_partition.Topic}' failed: "
            + $"{e.Message}" }, now);
    }

    /// <summary>Timers count whole milliseconds and cut off the rest, which would make them early; and they count to 49 days.</summary>
    private static TimeSpan TimeUntil(long due, long now)
    {
        var milliseconds = (Math.Max(due - now, 0) + 999) / 1000;
        return TimeSpan.FromMilliseconds(Math.Min(milliseconds, MaxTimerMilliseconds));
    }

    private void ArmTimer(long now)
    {
        // A timer that is due earlier is left: it only asks again. What is due moves on with every ack while leases run.
        var due = _partition.NextDue;
        if (due >= _timerDue && _timerDue > now)
            return;
        _timerDue = due;
        _timer.Change(due == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeUntil(due, now), Timeout.InfiniteTimeSpan);
    }
}

internal static partial class PartitionLog
{
    [LoggerMessage(2001, LogLevel.Error, "Storage of partition {Partition} of topic {Topic} failed; the partition is offline: {Reason} "
        + "It refuses its clients and confirms nothing more. Look at the disk and the system's log, and start the broker again: that "
        + "recovers what was confirmed")]
    public static partial void StorageFailed(ILogger logger, string topic, int partition, string reason, Exception exception);

    [LoggerMessage(2002, LogLevel.Error, "Partition {Partition} of topic {Topic} failed; it is offline: {Reason} It refuses its clients "
        + "until the broker is started again. Where a file is damaged, look at the partition with 'comet journal verify'")]
    public static partial void PartitionFailed(ILogger logger, string topic, int partition, string reason, Exception exception);
}
