namespace Comet.Crash.Tests.Checkers;

/// <summary>The checker by itself, on histories by hand.</summary>
public sealed class LedgerTests
{
    private readonly Ledger _ledger = new("t", partitions: 2, producers: 2);

    [Fact]
    public void A_history_without_a_breach_has_none()
    {
        var subscription = _ledger.Subscribe("s", isOrdered: true);
        Send(0, 4);
        Store((0, 0, 0), (0, 2, 1), (0, 1, 0), (0, 3, 1));
        for (var i = 0; i < 4; i++)
            subscription.Delivered(new(0, i), Id(i), 1);
        subscription.AckSent(new(0, 0));
        subscription.AckConfirmed(new(0, 0));
        subscription.OweAll();
        Assert.False(subscription.IsDrained);
        for (var i = 1; i < 4; i++)
            subscription.Delivered(new(0, i), Id(i), 2);
        Assert.True(subscription.IsDrained);
        subscription.CheckDrained();
        _ledger.CheckStored();
        Assert.Empty(_ledger.Breaches);
    }

    [Fact]
    public void What_was_confirmed_and_is_not_stored_is_lost()
    {
        Send(0, 2);
        Store((0, 0, 0));
        _ledger.CheckStored();
        Assert.Equal(BreachKind.Lost, Assert.Single(_ledger.Breaches).Kind);
    }

    [Fact]
    public void What_is_stored_elsewhere_than_its_confirm_says_is_lost()
    {
        Send(0, 1);
        Store((0, 0, 1));
        _ledger.CheckStored();
        Assert.Equal(BreachKind.Lost, Assert.Single(_ledger.Breaches).Kind);
    }

    [Fact]
    public void What_nobody_sent_is_invented_and_what_differs_is_changed()
    {
        Send(0, 1);
        _ledger.Stored(new(0, 1), Id(1));
        _ledger.Stored(new(0, 0) { IsIntact = false }, Id(0));
        Assert.Equal([BreachKind.Invented, BreachKind.Changed], _ledger.Breaches.Select(static b => b.Kind));
    }

    [Fact]
    public void What_is_stored_twice_or_behind_a_later_one_is_found()
    {
        Send(0, 6);
        Store((0, 4, 0), (0, 2, 1), (0, 4, 2));
        Assert.Equal([BreachKind.OutOfOrder, BreachKind.StoredTwice], _ledger.Breaches.Select(static b => b.Kind));
    }

    [Fact]
    public void A_delivery_that_leaves_one_out_is_out_of_order_on_an_ordered_subscription_only()
    {
        var (ordered, shared) = (_ledger.Subscribe("o", isOrdered: true), _ledger.Subscribe("s", isOrdered: false));
        Send(0, 4);
        foreach (var subscription in (SubscriptionLedger[])[ordered, shared])
        {
            subscription.Delivered(new(0, 0), Id(0), 1);
            // The next of partition 1 is its first; partition 0 goes on with number 2.
            subscription.Delivered(new(0, 3), Id(3), 1);
        }
        Assert.Equal(BreachKind.OutOfOrder, Assert.Single(_ledger.Breaches).Kind);
    }

    [Fact]
    public void What_comes_behind_its_confirmed_ack_or_not_at_all_is_found()
    {
        var subscription = _ledger.Subscribe("s", isOrdered: false);
        Send(0, 3);
        subscription.Delivered(new(0, 0), Id(0), 1);
        subscription.AckSent(new(0, 0));
        subscription.AckConfirmed(new(0, 0));
        subscription.Delivered(new(0, 1), Id(1), 1);
        subscription.OweAll();
        subscription.Delivered(new(0, 0), Id(0), 2);
        subscription.CheckDrained();
        Assert.Equal(
            [BreachKind.AckedAndBack, BreachKind.NotDelivered, BreachKind.NotDelivered], _ledger.Breaches.Select(static b => b.Kind));
    }

    [Fact]
    public void What_is_sent_behind_an_error_must_not_be_confirmed()
    {
        var subscription = _ledger.Subscribe("s", isOrdered: false);
        Send(0, 1);
        var error = TimeProvider.System.GetUtcNow();
        _ledger.CheckNoMessageConfirmedBehind(error);
        _ledger.CheckNoAckConfirmedBehind(error);
        Assert.Empty(_ledger.Breaches);
        error -= TimeSpan.FromHours(1);
        subscription.AckSent(new(0, 0));
        subscription.AckConfirmed(new(0, 0));
        _ledger.CheckNoMessageConfirmedBehind(error);
        _ledger.CheckNoAckConfirmedBehind(error);
        Assert.Equal([BreachKind.ConfirmedAfterError, BreachKind.ConfirmedAfterError], _ledger.Breaches.Select(static b => b.Kind));
    }

    private static MessageId Id(int number) => new("t", number % 2, number / 2);

    private void Send(int producer, int count)
    {
        for (var i = 0; i < count; i++)
            _ledger.Confirm(_ledger.Next(producer), Id(i));
    }

    /// <summary>What is in the log: producer, number and offset, in the partition that the number says.</summary>
    private void Store(params (int Producer, int Number, long Offset)[] all)
    {
        foreach (var (producer, number, offset) in all)
            _ledger.Stored(new(producer, number), new("t", number % 2, offset));
    }
}
