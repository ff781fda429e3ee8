using Comet.Server.Storage;

namespace Comet.Server.Broker;

internal sealed partial class Partition
{
    /// <summary>How much it keeps, as <see cref="IPartitionLog.KnownSize"/>. May be read from anywhere.</summary>
    public LogSize? KnownSize => _log.KnownSize;

    /// <summary>Whether a command waits for files to be opened, closed or removed. By the owner.</summary>
    public bool WaitsFor(in PartitionCommand command) => _closedWith == ErrorCode.None && command.Kind switch
    {
        CommandKind.Trim => false,
        CommandKind.Rest or CommandKind.Shutdown => _isRecovered,
        CommandKind.Delete => true,
        CommandKind.Fetched when !_isRecovered => false,
        var kind => !_isRecovered || !_log.IsAtHand(kind == CommandKind.Publish),
    };

    /// <summary>Finds what an earlier process has left. Before the first command that needs it and not before: a partition that nobody uses
    /// costs no file. False when the command needs nothing and is done.</summary>
    private bool TryRecover(in PartitionCommand command, long now)
    {
        switch (command.Kind)
        {
            case CommandKind.Rest or CommandKind.Trim or CommandKind.Fetched:
                return false;
            case CommandKind.Shutdown:
                _closedWith = ErrorCode.BrokerStopping;
                Dispose();
                ((Action)command.Detail!)();
                return false;
            case CommandKind.Delete:
                _isRecovered = true;
                return true;
        }
        _isRecovered = true;
        var state = _saves.Load();
        _points.Appended(PartitionRecovery.Run(_log, state, _producers, _schedules, now), now);
        _subscriptions.Restore(state.Subscriptions, now);
        if (state.IsBeyond(_log.EndOffset))
            _saves.CutTo(_log.EndOffset, _subscriptions.All, NextOwnDue);
        return true;
    }

    private DelaySpill? OpenSpill(PartitionSettings settings) => settings.Store?.DelayFiles is not { } files ? null : new DelaySpill(files)
    {
        Limit = settings.MaxDelaysInMemory,
        Inbox = command => Inbox?.Invoke(command),
    };

    /// <summary>Takes a point to recover from when it is due; all that it tells of is made durable, whatever the topic says.</summary>
    private void TakePoint(long now)
    {
        if (_points.TryTake(now))
            WantDurable();
    }

    private void WantDurable() => (_wantedLevel, _wantedOffset) = (Durability.Disk, _log.EndOffset);

    private void HandleStorage(in PartitionCommand command, long now)
    {
        switch (command.Kind)
        {
            case CommandKind.Saved:
                _saves.Saved((Exception?)command.Detail, now);
                break;
            case CommandKind.PointSaved:
                _points.Saved((Exception?)command.Detail);
                break;
            case CommandKind.DelaysWritten:
                _schedules.Index.Finish((DelayWork)command.Detail!);
                break;
            case CommandKind.Rest:
                Rest();
                break;
            case CommandKind.Shutdown:
                _saves.SaveBeforeRest(_subscriptions.All, NextOwnDue, isLast: true);
                var last = _points.TakeLast();
                Close(ErrorCode.BrokerStopping, "The broker is stopping.");
                _points.SaveLast(last);
                ((Action)command.Detail!)();
                break;
            default:
                throw new InvalidOperationException($"A partition has no command {command.Kind}.");
        }
    }

    /// <summary>Saves what there is to save and lets go of files; what is not durable yet is made so first, and the next time files
    /// go.</summary>
    private void Rest()
    {
        _saves.SaveBeforeRest(_subscriptions.All, NextOwnDue, isLast: false);
        if (_log.ReachedOffset(Durability.Disk) < _log.EndOffset)
        {
            WantDurable();
            return;
        }
        _points.SaveBeforeRest();
        _log.Rest();
    }

    private void Close(ErrorCode code, string message)
    {
        (_closedWith, _closedBecause) = (code, message);
        OfflineBecause = code == ErrorCode.StorageFailed ? message : null;
        _producers.CloseAll(code, message);
        _subscriptions.CloseAll(code, message);
        _schedules.Close();
        _saves.CloseAll(code, message);
        while (_pending.TryDequeue(out var confirm))
        {
            confirm.Producer.Peer.PublishAnswered(confirm.Bytes);
            confirm.Producer.Peer.Fail(confirm.CorrelationId, code, message);
        }
        Dispose();
    }

    private void RefuseClosed(in PartitionCommand command)
    {
        if (command.Kind == CommandKind.Describe)
            ((DescriptionCollector)command.Detail!).AddClosed(_closedWith, _closedBecause);
        if (command.Kind == CommandKind.Explain)
            ((ExplanationCollector)command.Detail!).AddClosed(Number, _closedWith, _closedBecause);
        if (command.Kind is CommandKind.Shutdown or CommandKind.Wake)
            (command.Detail as Action)?.Invoke();
        if (command.Kind == CommandKind.Delete)
            _log.Delete();
        var peer = command.Producer?.Peer ?? command.Consumer?.Peer ?? (command.Detail as PeerRequest)?.Peer
            ?? (command.Detail as ScheduleRequest)?.Peer;
        if (command.Kind == CommandKind.Publish)
            peer?.PublishAnswered(command.Batch.Length);
        if (command.CorrelationId != 0)
            peer?.Fail(command.CorrelationId, _closedWith, _closedBecause);
    }
}
