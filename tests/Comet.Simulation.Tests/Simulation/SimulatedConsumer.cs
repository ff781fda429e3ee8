using Comet.Client;
using Comet.Simulation.Tests.Checkers;

namespace Comet.Simulation.Tests.Simulation;

/// <summary>Takes what comes, works on it for a while, acks it or gives it back, goes and comes again; writes everything down.</summary>
internal sealed class SimulatedConsumer(SimulationRun run, ConsumerPlan plan)
{
    private const int HangEvery = 5;
    private const double SupersededNackChance = 0.5;

    private static readonly TimeSpan s_poll = TimeSpan.FromSeconds(5);
    private readonly SubscriptionPlan _of = plan.Subscription;
    private readonly Random _random = run.NewRandom(plan.Name);
    private readonly List<Task> _work = [];
    private readonly HashSet<Place> _nacked = [];
    private readonly HashSet<Place> _seen = [];
    private readonly Dictionary<Place, Delivery<string>> _held = [];
    private Consumer<string>? _consumer;
    private Task _running = Task.CompletedTask;
    private long _epoch;
    private int _attachment;
    private bool _isAttached;
    private int _busy;

    /// <summary>Whether it works on something.</summary>
    public bool IsBusy => _busy > 0;

    /// <summary>Subscribes before the first message is sent, and goes on from there.</summary>
    public async Task StartAsync()
    {
        _consumer = await TrySubscribeAsync();
        _running = RunAsync();
    }

    public Task StopAsync() => _running;

    private async Task RunAsync()
    {
        while (!run.IsOver)
        {
            _consumer ??= await TrySubscribeAsync();
            if (_consumer is { } consumer)
            {
                var watching = WatchAsync(consumer);
                await ReceiveAsync(consumer);
                await consumer.DisposeAsync();
                await watching;
                run.Counters.Count(Sometimes.ConsumerReplaced);
                _consumer = null;
                if (plan.LeavesForGood && run.IsStorm)
                {
                    run.Counters.Count(Sometimes.ConsumerGone);
                    break;
                }
            }
        }
        foreach (var work in _work)
            await work;
    }

    private async Task<Consumer<string>?> TrySubscribeAsync()
    {
        try
        {
            var consumer = await run.Client(plan.Client).SubscribeAsync<string>(_of.Topic, _of.Name, new()
            {
                Type = _of.Type,
                ConsumerName = plan.Name,
                StartPosition = StartPosition.Earliest,
                ConfirmAcks = plan.ConfirmAcks,
                ReceiveWindowMessages = plan.Window,
                LeaseDuration = _of.Lease,
                MaxLeaseExtension = _of.IsExtended ? TimeSpan.FromMinutes(1) : TimeSpan.Zero,
                RedeliveryBackoff = new() { Initial = _of.Backoff, Max = _of.Backoff * 4 },
                MaxDeliveries = _of.MaxDeliveries,
            });
            NoteAttached();
            run.Counters.Count(Enum.Parse<Sometimes>(_of.Type.ToString()));
            return consumer;
        }
        catch (CometException)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), run.Host.Time);
            return null;
        }
    }

    private async Task WatchAsync(Consumer<string> consumer)
    {
        await foreach (var state in consumer.State.WatchAsync())
        {
            if (state == ConsumerState.Attached)
            {
                if (!_isAttached)
                {
                    NoteAttached();
                    run.Counters.Count(Sometimes.Reattached);
                }
            }
            else if (_isAttached)
            {
                _isAttached = false;
                run.History.Add(Note(OpKind.Detached));
            }
        }
    }

    private async Task ReceiveAsync(Consumer<string> consumer)
    {
        var start = run.Host.Time.GetTimestamp();
        while (!run.IsOver && !consumer.State.IsFinal)
        {
            if (run.IsStorm && plan.Stay > TimeSpan.Zero && run.Host.Time.GetElapsedTime(start) > plan.Stay)
                return;
            try
            {
                using var poll = new CancellationTokenSource(s_poll, run.Host.Time);
                var delivery = await consumer.ReceiveAsync(poll.Token).AsTask();
                _work.Add(WorkAsync(delivery));
            }
            catch (OperationCanceledException)
            {
                // Looks whether it is over, and asks again.
                _work.RemoveAll(static work => work.IsCompleted);
            }
            catch (CometException)
            {
                return;
            }
        }
    }

    private async Task WorkAsync(Delivery<string> delivery)
    {
        var taken = Note(OpKind.Deliver) with
        {
            Partition = delivery.Id.Partition, Offset = delivery.Id.Offset, Epoch = delivery.OwnershipEpoch,
            Value = Payload.Read(delivery.Value), Key = delivery.Key, Count = delivery.DeliveryCount,
            // A lease runs from the dispatch on, which nobody knows here: it may be over at any time.
            Due = _of.Lease is not null || _of.Type == SubscriptionType.KeyShared ? run.Now : 0,
        };
        if (_held.TryGetValue(Place.Of(taken), out var before) && before.IsLeaseLost)
            run.History.Add(taken with { Kind = OpKind.Lost, Count = before.DeliveryCount });
        _held[Place.Of(taken)] = delivery;
        run.History.Add(taken);
        CountDelivery(taken);
        var lost = delivery.LeaseLost;
        _busy++;
        try
        {
            if (plan.Work > TimeSpan.Zero)
                await Task.Delay((plan.Work * _random.NextDouble()) + DrawHang(), run.Host.Time);
            if (lost.IsCancellationRequested)
                run.Counters.Count(Sometimes.LeaseLost);
            if (run.IsStorm && _random.NextDouble() < (IsSuperseded(delivery) ? SupersededNackChance : plan.NackChance))
                await NackAsync(delivery, taken);
            else
                await AckAsync(delivery, taken);
        }
        catch (CometException)
        {
            // Closed, or the connection was lost: the message comes again.
            run.Counters.Count(Sometimes.AckUnknown);
        }
        finally
        {
            _busy--;
            if (!IsSuperseded(delivery))
                _held.Remove(Place.Of(taken));
        }
    }

    /// <summary>Now and then it hangs until its lease is over and the message may be with it again.</summary>
    private TimeSpan DrawHang() => run.IsStorm && _of is { Lease: { } lease, IsExtended: false } && _random.Next(HangEvery) == 0
        ? lease + _of.Backoff : TimeSpan.Zero;

    /// <summary>Whether it is at work on a newer delivery of the same message.</summary>
    private bool IsSuperseded(Delivery<string> delivery) =>
        _held.GetValueOrDefault(new(_of.Topic, delivery.Id.Partition, delivery.OwnershipEpoch, delivery.Id.Offset)) is { } held
        && held != delivery;

    private async Task AckAsync(Delivery<string> delivery, Op taken)
    {
        run.History.Add(taken with { Time = run.Now, Kind = OpKind.Ack });
        await delivery.AckAsync();
        if (!plan.ConfirmAcks || delivery.OwnershipEpoch != _epoch)
            return;
        // Over which attachment it came is certain only while the first one lasts.
        var attachment = _isAttached && _attachment == taken.Attachment ? _attachment : 0;
        run.History.Add(taken with { Time = run.Now, Kind = OpKind.AckConfirmed, Attachment = attachment });
        run.Counters.Count(Sometimes.AckConfirmed);
    }

    private async Task NackAsync(Delivery<string> delivery, Op taken)
    {
        TimeSpan? delay = _random.Next(3) == 0 ? null : TimeSpan.FromMilliseconds(_random.Next(1, 10_000));
        var least = (long)(delay ?? _of.Backoff).TotalMicroseconds;
        run.History.Add(taken with { Time = run.Now, Kind = OpKind.Nack, Due = run.Now + least });
        run.Counters.Count(Sometimes.Nacked);
        if (IsSuperseded(delivery))
            run.Counters.Count(Sometimes.NackedLate);
        if (least > 0)
            _nacked.Add(Place.Of(taken));
        await delivery.NackAsync(delay);
    }

    private void CountDelivery(in Op taken)
    {
        if (_epoch != 0 && _epoch != taken.Epoch)
            run.Counters.Count(Sometimes.SecondBroker);
        _epoch = taken.Epoch;
        if (taken.Count > 1)
        {
            run.Counters.Count(Sometimes.Redelivered);
            if (!_seen.Contains(Place.Of(taken)))
                run.Counters.Count(Sometimes.RedeliveredToAnother);
        }
        _seen.Add(Place.Of(taken));
        if (_nacked.Remove(Place.Of(taken)))
            run.Counters.Count(Sometimes.DelayedNackCame);
    }

    private void NoteAttached()
    {
        _attachment++;
        _isAttached = true;
        run.History.Add(Note(OpKind.Attached));
    }

    private Op Note(OpKind kind) => new(run.Now, kind)
    {
        Actor = plan.Name, Topic = _of.Topic, Subscription = _of.Name, Attachment = _attachment,
    };
}
