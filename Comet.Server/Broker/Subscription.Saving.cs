using Comet.Server.Storage;

namespace Comet.Server.Broker;

internal sealed partial class Subscription
{
    // Some 40 KiB each time a cursor is saved, at the most.
    private const int MaxSavedRuns = 4096;

    private SubscriptionSettings _settings = new();
    private long _changes;

    public SubscriptionSettings Settings
    {
        get => _settings;
        set
        {
            if (_settings != value)
                _changes++;
            _settings = value;
        }
    }

    /// <summary>Grows with every change of what outlives the process.</summary>
    public long Version => Cursor.Version + _changes;

    /// <summary>The version that was given to storage last.</summary>
    public long SavedVersion { get; set; } = -1;

    /// <summary>Whether storage has any version of it.</summary>
    public bool IsStored { get; set; }

    /// <summary>What outlives the process. Of the messages that consumers hold, only so many runs are told apart; what is behind them comes
    /// again as if it was new.</summary>
    public SubscriptionState Save()
    {
        var held = new List<StateRun>();
        _table.CopyHeld(held, MaxSavedRuns);
        return new(Name, Type, Settings, Cursor.Save()) { Expired = Marks.Expired, Dropped = Marks.Dropped, Again = held };
    }

    /// <summary>Takes up what <see cref="Save"/> told of messages: they come again, or go to the dead letters.</summary>
    public void Resume(in StateRun run, long now)
    {
        LeaveOut(run.Range.Last);
        if (run.State.Stage == MessageStage.DeadLettering)
        {
            GiveUp(run, new(IsGivenUp: true, "It was on its way here when the broker stopped."), now);
            return;
        }
        for (var offset = run.Range.First; run.State.Stage == MessageStage.Released && offset <= run.Range.Last; offset++)
            Release(offset);
        if (run.State.Stage == MessageStage.Waiting)
            Wait(run);
    }

    private void Wait(in StateRun run)
    {
        _table.Put(run.Range, run.State);
        WaitInSlots(run);
    }

    private void WaitInSlots(in StateRun run)
    {
        for (var offset = run.Range.First; Slots is not null && offset <= run.Range.Last; offset++)
            Slots.Wait(new(offset, run.State.KeySlot));
    }
}
