namespace Comet.Testing.Transport;

/// <summary>The faults that hold at the moment for one direction of a client's connections, those of now and those to come. Used on the
/// engine only.</summary>
internal sealed class Weather
{
    private readonly List<Fault> _faults = [];
    private TaskCompletionSource _changed = new();

    /// <summary>Whether bytes stand still.</summary>
    public bool IsBlocked { get; private set; }

    /// <summary>How much later bytes arrive.</summary>
    public TimeSpan Latency { get; private set; }

    /// <summary>How many bytes arrive in a second; zero: no limit.</summary>
    public int BytesPerSecond { get; private set; }

    /// <summary>Completes with the next change.</summary>
    public Task Changed => _changed.Task;

    public void Add(Fault fault)
    {
        _faults.Add(fault);
        Update();
    }

    /// <summary>Ends this fault; null: all of them.</summary>
    public void Remove(Fault? fault)
    {
        if (fault is null)
            _faults.Clear();
        else
            _faults.RemoveAll(f => ReferenceEquals(f, fault));
        Update();
    }

    private void Update()
    {
        IsBlocked = _faults.Exists(static f => f.Kind == FaultKind.Drop);
        Latency = _faults.Aggregate(TimeSpan.Zero, static (sum, f) => sum + f.Latency);
        BytesPerSecond = _faults.Where(static f => f.BytesPerSecond > 0).Select(static f => f.BytesPerSecond).DefaultIfEmpty(0).Min();
        var changed = _changed;
        _changed = new TaskCompletionSource();
        changed.SetResult();
    }
}
