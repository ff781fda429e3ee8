using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>Saves a <see cref="RecoveryPoint"/> now and then, so that the next process reads only the end of the log. A point is taken
/// between two commands, and saved when all of the log that it tells of is on the disk: so no crash makes the log shorter than the
/// point.</summary>
internal sealed class PartitionPoints(
    PartitionSettings settings, IPartitionLog log, ProducerTable producers, PartitionSchedules schedules, PartitionSaves saves)
{
    // A point costs a thirtieth of what was appended meanwhile, or this many bytes a second, at the most.
    private const long CostShare = 32;
    private const long CostPerMicrosecond = 1;

    // In microseconds.
    private const long MaxAge = 10_000_000;
    private const long Pause = 250_000;

    private readonly IPartitionStore? _store = settings.Store;
    private RecoveryPoint? _taken;
    private PointMark _underWay;
    private long _appended;
    private long _cost;
    private long _due = long.MaxValue;
    private bool _isSaving;

    /// <summary>When the next one is due; <see cref="long.MaxValue"/> for none, or when something else has to come first.</summary>
    public long NextDue => IsBusy ? long.MaxValue : _due;

    /// <summary>Called when a point is saved, with a command for the partition.</summary>
    public Action<PartitionCommand>? Inbox { get; set; }

    // The cancelled and moved messages that a point leaves out have to be saved before it is.
    private bool IsBusy => _isSaving || _taken is not null || saves.HasSchedules;

    /// <summary>So much was appended to the log, or read behind the last point.</summary>
    public void Appended(long bytes, long now)
    {
        if (_store is null || bytes == 0)
            return;
        _appended += bytes;
        if (_due == long.MaxValue)
            _due = now + MaxAge + (_cost / CostPerMicrosecond);
    }

    /// <summary>Takes a point when it is due. When it returns true, all of the log is to be made durable.</summary>
    public bool TryTake(long now) =>
        (now >= _due || _appended >= Math.Max(settings.MaxBytesBehindPoint, _cost * CostShare)) && !IsBusy && TryTake();

    /// <summary>Saves the point that was taken, when the log is durable so far; and sees to it that what only a point holds back goes soon.
    /// Called behind each group of commands.</summary>
    public void Settle(long now)
    {
        if (_taken is { } taken && log.ReachedOffset(Durability.Disk) >= taken.Offset)
            Save(taken);
        else if (_due != long.MaxValue && log.HoldsBack)
            _due = Math.Min(_due, now + Pause);
    }

    /// <summary>Saves a point before files are closed, when there is anything new and all of the log is durable.</summary>
    public void SaveBeforeRest()
    {
        if (_due != long.MaxValue && !IsBusy && TryTake())
            Settle(0);
    }

    /// <summary>Takes the last point of this process; null when the one that is saved is as good.</summary>
    public RecoveryPoint? TakeLast() => _store is not null && (_due != long.MaxValue || _taken is not null) && TryTake() ? _taken : null;

    /// <summary>Saves the last point, when the log is closed.</summary>
    public void SaveLast(RecoveryPoint? last)
    {
        if (last is not null)
            _store!.Save(last, static _ => { });
    }

    /// <summary>A point is saved: what was dropped below it may go. When it has failed, none is saved any more; the next process reads more
    /// of the log.</summary>
    public void Saved(Exception? failure)
    {
        if (failure is not null)
            return;
        _isSaving = false;
        log.Keep(_underWay.BaseOffset);
        schedules.Index.Saved();
    }

    private bool TryTake()
    {
        (_appended, _due) = (0, long.MaxValue);
        if (!log.TryReadKept(log.EndOffset - 1, out var last))
            return false;
        var mark = PointMark.Of(last.Header);
        _taken = new(mark, producers.Save(mark.AppendTime), schedules.Index.Save());
        _cost = ProducerTable.SizeOf(_taken.Producers) + DelayIndex.SizeOf(_taken.Delays);
        return true;
    }

    private void Save(RecoveryPoint taken)
    {
        (_taken, _underWay, _isSaving) = (null, taken.Mark, true);
        var inbox = Inbox!;
        _store!.Save(taken, failure => inbox(new(CommandKind.PointSaved) { Detail = failure }));
    }
}
