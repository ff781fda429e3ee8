using Comet.Testing.Engine;
using Comet.Testing.Transport;

namespace Comet.Testing;

/// <summary>Breaks the network and the broker of a test host: at once, at a time of the host's clock, or at random from the host's
/// seed.</summary>
/// <remarks>Thread-safe. Faults add up: two delays make a longer one.</remarks>
public sealed class Faults
{
    private readonly CometTestHost _host;
    private readonly EngineThread _engine;
    private readonly Random _random;
    private readonly List<Fault> _lasting = [];
    private readonly List<(TimeSpan At, Fault Fault)> _history = [];
    private readonly Lock _gate = new();
    private readonly long _start;

    internal Faults(CometTestHost host, EngineThread engine, Random random)
    {
        (_host, _engine, _random) = (host, engine, random);
        _start = host.Time.GetTimestamp();
    }

    /// <summary>All faults so far, with the time since the host was started.</summary>
    public IReadOnlyList<(TimeSpan At, Fault Fault)> History
    {
        get
        {
            lock (_gate)
                return [.. _history];
        }
    }

    /// <summary>Applies a fault now; completes when it holds, not when it is over.</summary>
    public Task ApplyAsync(Fault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        return _engine.InvokeAsync(async () =>
        {
            lock (_gate)
                _history.Add((_host.Time.GetElapsedTime(_start), fault));
            await ApplyNowAsync(fault);
            return true;
        });
    }

    /// <summary>Applies a fault when the host's clock has moved so far from now.</summary>
    public void Schedule(TimeSpan after, Fault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        _ = _engine.InvokeAsync(async () =>
        {
            await Task.Delay(after, _host.Time);
            await ApplyAsync(fault);
            return true;
        });
    }

    /// <summary>Schedules faults at random times within a span, drawn from the host's seed, and returns what and when.</summary>
    /// <param name="within">From now on.</param>
    /// <param name="count">How many.</param>
    /// <param name="kinds">Which kinds; none: all but StopBroker, which loses what the broker keeps in memory.</param>
    public IReadOnlyList<(TimeSpan After, Fault Fault)> ScheduleRandom(TimeSpan within, int count, params FaultKind[] kinds)
    {
        ArgumentNullException.ThrowIfNull(kinds);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (kinds.Length == 0)
            kinds = [FaultKind.Cut, FaultKind.Drop, FaultKind.Delay, FaultKind.Slow, FaultKind.Duplicate];
        var plan = new List<(TimeSpan After, Fault Fault)>();
        lock (_gate)
        {
            for (var i = 0; i < count; i++)
                plan.Add((within * _random.NextDouble(), Draw(kinds[_random.Next(kinds.Length)], within)));
        }
        plan.Sort(static (a, b) => a.After.CompareTo(b.After));
        foreach (var (after, fault) in plan)
            Schedule(after, fault);
        return plan;
    }

    /// <summary>Ends all faults that last, and starts the broker if it is stopped.</summary>
    public Task HealAsync() => _engine.InvokeAsync(async () =>
    {
        _lasting.Clear();
        foreach (var network in _host.Networks)
            network.Heal(null);
        await _host.StartBrokerAsync();
        return true;
    });

    /// <summary>A new client's network has the weather of the day.</summary>
    internal void Greet(TestNetwork network)
    {
        foreach (var fault in _lasting.Where(f => IsAbout(f, network)))
            network.Apply(fault);
    }

    private static bool IsAbout(Fault fault, TestNetwork network) => fault.Client is null || fault.Client == network.Client;

    private async Task ApplyNowAsync(Fault fault)
    {
        var networks = _host.Networks.Where(n => IsAbout(fault, n)).ToArray();
        var connections = networks.SelectMany(static n => n.Open).ToArray();
        switch (fault.Kind)
        {
            case FaultKind.Cut when fault.AfterBytes == 0:
                foreach (var connection in connections)
                    connection.Cut();
                break;
            case FaultKind.Cut:
                foreach (var connection in connections)
                    connection.CutAfter(fault.AfterBytes);
                break;
            case FaultKind.Duplicate:
                foreach (var connection in connections)
                    connection.CutBeforeAnswer(_engine.IdleAsync);
                break;
            case FaultKind.StopBroker:
                await _host.StopBrokerAsync();
                _ = StartLaterAsync(fault.Duration);
                break;
            default:
                _lasting.Add(fault);
                foreach (var network in networks)
                    network.Apply(fault);
                if (fault.Duration > TimeSpan.Zero)
                    _ = EndLaterAsync(fault);
                break;
        }
    }

    private async Task EndLaterAsync(Fault fault)
    {
        await Task.Delay(fault.Duration, _host.Time);
        _lasting.RemoveAll(f => ReferenceEquals(f, fault));
        foreach (var network in _host.Networks)
            network.Heal(fault);
    }

    private async Task StartLaterAsync(TimeSpan downtime)
    {
        await Task.Delay(downtime, _host.Time);
        await _host.StartBrokerAsync();
    }

    private Fault Draw(FaultKind kind, TimeSpan within)
    {
        var duration = within * (0.02 + (0.2 * _random.NextDouble()));
        var direction = (FaultDirection)_random.Next(3);
        return kind switch
        {
            FaultKind.Cut => Fault.Cut(_random.Next(2) == 0 ? 0 : _random.Next(1, 2000)),
            FaultKind.Drop => Fault.Drop(duration, direction),
            FaultKind.Delay => Fault.Delay(TimeSpan.FromMilliseconds(_random.Next(1, 2000)), duration, direction),
            FaultKind.Slow => Fault.Slow(_random.Next(200, 20_000), duration, direction),
            FaultKind.Duplicate => Fault.Duplicate(),
            FaultKind.StopBroker => Fault.StopBroker(duration),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "There is no such fault."),
        };
    }
}
