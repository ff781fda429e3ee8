namespace Comet.Journals.Control;

/// <summary>One of the locks at <see cref="JournalLock"/>, held by one thread of one process at a time. It ends with the process.</summary>
internal sealed class JournalGate(ControlFile control, long position, string directory)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(2);

    private readonly SemaphoreSlim _gate = new(1);
    private readonly SemaphoreSlim _never = new(0);

    /// <summary>Waits for the lock; disposing what comes back lets go of it.</summary>
    /// <exception cref="JournalException">Somebody else held it all the time.</exception>
    public IDisposable Enter()
    {
        var started = TimeProvider.System.GetTimestamp();
        if (!_gate.Wait(Patience))
            throw InUse();

        try
        {
            while (!control.Locks.TryLock(position, exclusive: true))
            {
                if (TimeProvider.System.GetElapsedTime(started) > Patience)
                    throw InUse();
                _never.Wait(RetryDelay);
            }
        }
        catch
        {
            _gate.Release();
            throw;
        }

        return new Held(this);
    }

    /// <summary>As <see cref="Enter"/>; null when somebody else has it.</summary>
    public IDisposable? TryEnter()
    {
        if (!_gate.Wait(TimeSpan.Zero))
            return null;

        var locked = false;
        try
        {
            locked = control.Locks.TryLock(position, exclusive: true);
            return locked ? new Held(this) : null;
        }
        finally
        {
            if (!locked)
                _gate.Release();
        }
    }

    /// <summary>Lets others have it who look for it now and then: whoever takes it again and again calls this in between.</summary>
    public void GiveWay() => _never.Wait(2 * RetryDelay);

    private void Leave()
    {
        control.Locks.Unlock(position);
        _gate.Release();
    }

    private JournalException InUse() => new(JournalErrorCode.InUse,
        $"Another process has been changing what readers and segments there are in {directory} for more than {Patience.TotalSeconds:0} s. "
        + "Try again.");

    private sealed class Held(JournalGate gate) : IDisposable
    {
        private JournalGate? _gate = gate;

        public void Dispose() => Interlocked.Exchange(ref _gate, null)?.Leave();
    }
}

/// <summary>The locks of an open journal for work that is done by one at a time.</summary>
/// <param name="Places">For changes to which named readers there are.</param>
/// <param name="Maintenance">For changes to which segments there are and in which form; taken before the other one.</param>
internal sealed record JournalGates(JournalGate Places, JournalGate Maintenance);
