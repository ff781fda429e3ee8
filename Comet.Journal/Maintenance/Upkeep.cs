using System.Diagnostics.CodeAnalysis;
using Comet.Journals.Background;
using Comet.Journals.Control;

namespace Comet.Journals.Maintenance;

/// <summary>Maintenance of one open journal: on demand, and in the background by the journal's clock, where it gives way to any other
/// process that is at it.</summary>
internal sealed class Upkeep : IBackgroundWork, IDisposable
{
    private readonly JournalState _state;
    private readonly IBackgroundQueue _background;
    private readonly SegmentFactsCache _facts;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _gate = new();
    private readonly Lock _running = new();
    private ITimer? _timer;
    private bool _queued;

    public Upkeep(JournalState state, IBackgroundQueue background)
    {
        _state = state;
        _background = background;
        _facts = new SegmentFactsCache(state.Segments);
        if (state.Options.Maintenance is { Interval: var interval })
            _timer = state.Options.TimeProvider.CreateTimer(static self => ((Upkeep)self!).Request(), this, interval, interval);
    }

    /// <summary>Does all there is to do, on the caller's thread.</summary>
    public JournalMaintenanceResult Run(
        JournalMaintenance options, IProgress<JournalMaintenanceProgress>? progress, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token, cancellationToken);
        lock (_running)
        {
            ObjectDisposedException.ThrowIf(_state.IsDisposed, typeof(Journal));
            return new UpkeepRun(_state, options, _facts, progress, either.Token).Run(wait: true);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Background work harms nobody: what went wrong is reported.")]
    void IBackgroundWork.Run()
    {
        lock (_gate)
            _queued = false;
        lock (_running)
        {
            if (_closing.IsCancellationRequested || _state.Fault is not null)
                return;

            try
            {
                _ = new UpkeepRun(_state, _state.Options.Maintenance!, _facts, null, _closing.Token).Run(wait: false);
            }
            catch (Exception) when (_closing.IsCancellationRequested || _state.IsDisposed)
            {
                // The journal is being closed; the rest is for whoever opens it next.
            }
            catch (Exception failed)
            {
                _state.Segments.Events.Raise(new JournalEvent(JournalEventKind.Failed, 0, _state.Directory) { Error = failed });
            }
        }
    }

    /// <summary>Ends what is under way, between two steps, and waits for that: afterwards nothing is changed any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _timer?.Dispose();
            _timer = null;
        }

        _closing.Cancel();
        lock (_running)
        {
            // Only to wait; a run that disposes the journal itself has the lock already.
        }
    }

    private void Request()
    {
        lock (_gate)
        {
            if (_queued || _timer is null)
                return;
            _queued = true;
        }

        _background.Queue(this);
    }
}
