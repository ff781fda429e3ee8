using System.Globalization;
using Comet.Client;
using Comet.Simulation.Tests.Checkers;

namespace Comet.Simulation.Tests.Simulation;

/// <summary>Sends its messages, whatever happens, and writes down what it is told about each.</summary>
internal sealed class SimulatedProducer
{
    // Values of one producer are apart from those of all others, and grow.
    private const long ValuesPerProducer = 1_000_000;

    private readonly SimulationRun _run;
    private readonly ProducerPlan _plan;
    private readonly Random _random;
    private readonly List<Task> _sends = [];
    private readonly long _firstValue;
    private int _pending;
    private int _losses;

    public SimulatedProducer(SimulationRun run, ProducerPlan plan)
    {
        (_run, _plan, _random) = (run, plan, run.NewRandom(plan.Name));
        _firstValue = ValuesPerProducer * int.Parse(plan.Name["producer".Length..], CultureInfo.InvariantCulture);
    }

    /// <summary>Whether something is on its way.</summary>
    public bool IsBusy => _pending > 0;

    public async Task RunAsync()
    {
        var generation = 0;
        for (var next = 0; next < _plan.Messages;)
        {
            // A successor after a fault has a name of its own: what the other one left unknown is not its affair.
            var name = string.Create(CultureInfo.InvariantCulture, $"{_plan.Name}.{++generation}");
            if (await TryCreateAsync(name) is not { } producer)
                continue;
            var watching = WatchAsync(producer);
            for (; next < _plan.Messages && !producer.State.IsFinal; next++)
            {
                _sends.Add(SendAsync(producer, name, _firstValue + next));
                // In bursts: twice out of three times without a pause.
                if (_random.Next(3) == 0)
                    await Task.Delay(_plan.Pause * _random.NextDouble() * 6, _run.Host.Time);
            }
            foreach (var send in _sends)
                await send;
            _sends.Clear();
            await producer.DisposeAsync();
            await watching;
        }
    }

    private async Task<Producer<string>?> TryCreateAsync(string name)
    {
        try
        {
            return await _run.Client(_plan.Client).CreateProducerAsync<string>(_plan.Topic, new()
            {
                ProducerName = name,
                Compression = _plan.Compression,
                Linger = _plan.Linger,
                MaxBatchMessages = 10,
                SendTimeout = TimeSpan.FromSeconds(20),
            });
        }
        catch (CometException)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), _run.Host.Time);
            return null;
        }
    }

    private async Task WatchAsync(Producer<string> producer)
    {
        await foreach (var state in producer.State.WatchAsync())
        {
            if (state == ProducerState.Reattaching)
                _losses++;
        }
    }

    private async Task SendAsync(Producer<string> producer, string actor, long value)
    {
        var key = _plan.Keys == 0 ? null : "k" + _random.Next(_plan.Keys).ToString(CultureInfo.InvariantCulture);
        var delay = _random.NextDouble() < _plan.DelayChance ? TimeSpan.FromMilliseconds(_random.Next(1, 10_000)) : TimeSpan.Zero;
        DateTimeOffset? deliverAt = delay == TimeSpan.Zero ? null : _run.Host.Time.GetUtcNow() + delay;
        var sent = new Op(_run.Now, OpKind.Send)
        {
            Actor = actor, Topic = _plan.Topic, Value = value, Key = key,
            Due = delay == TimeSpan.Zero ? 0 : _run.Now + (long)delay.TotalMicroseconds,
        };
        if (deliverAt is not null)
            _run.Counters.Count(Sometimes.Scheduled);
        _run.History.Add(sent);
        var losses = _losses;
        _pending++;
        try
        {
            var text = Payload.Write(value, _plan.PayloadBytes);
            var id = await producer.SendAsync(new OutgoingMessage<string>(text) { Key = key, DeliverAt = deliverAt }).AsTask();
            _run.History.Add(sent with
            {
                Time = _run.Now, Kind = OpKind.SendConfirmed, Partition = id.Partition, Offset = id.Offset,
            });
            if (losses != _losses)
                _run.Counters.Count(Sometimes.ConfirmedAfterReconnect);
        }
        catch (CometException)
        {
            _run.History.Add(sent with { Time = _run.Now, Kind = OpKind.SendUnknown });
            _run.Counters.Count(Sometimes.SendUnknown);
        }
        finally
        {
            _pending--;
        }
    }
}

/// <summary>What a simulated message says: its value, and as much more as the plan wants.</summary>
internal static class Payload
{
    public static string Write(long value, int padding) => value.ToString(CultureInfo.InvariantCulture).PadRight(padding, '.');

    /// <summary>The value; -1 when these are not the bytes of a payload.</summary>
    public static long Read(string text) => long.TryParse(text.TrimEnd('.'), CultureInfo.InvariantCulture, out var value) ? value : -1;
}
