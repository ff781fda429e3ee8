namespace Comet.Simulation.Tests.Checkers;

/// <summary>Histories by hand: what is right is left alone, also where it looks wrong, and what is wrong is found by its checker and by
/// no other.</summary>
public sealed class CheckerTests
{
    [Fact]
    public void A_history_in_which_all_goes_well_is_left_alone() => Finds(
        null,
        [
            Send(1), Send(2), Confirm(1, 0), Confirm(2, 1), Take(1, 0), Take(2, 1), Of(OpKind.Ack, 1, 0), Of(OpKind.AckConfirmed, 1, 0),
            Of(OpKind.Ack, 2, 1), new(0, OpKind.Drained),
        ]);

    [Fact]
    public void What_was_confirmed_and_never_came_is_lost() => Finds("Lost", [Send(1), Confirm(1, 0), new(0, OpKind.Drained)]);

    [Fact]
    public void What_is_unknown_may_be_lost() => Finds(
        null, [Send(1), Send(1) with { Kind = OpKind.SendUnknown }, new(0, OpKind.Drained)]);

    [Fact]
    public void What_was_confirmed_before_the_broker_ended_may_be_lost_and_what_came_later_may_not()
    {
        Finds(null, [Send(1), Confirm(1, 0), new(0, OpKind.BrokerLost), new(0, OpKind.Drained)]);
        Finds("Lost", [new(0, OpKind.BrokerLost), Send(1), Confirm(1, 0), new(0, OpKind.Drained)]);
    }

    [Fact]
    public void Without_a_drain_nothing_is_lost_yet() => Finds(null, [Send(1), Confirm(1, 0)]);

    [Fact]
    public void What_nobody_sent_is_invented() => Finds("Invented", [Send(1), Take(2, 0)]);

    [Fact]
    public void A_message_under_another_key_is_invented() => Finds("Invented", [Send(1) with { Key = "a" }, Take(1, 0) with { Key = "b" }]);

    [Fact]
    public void A_message_behind_its_successor_is_reordered() =>
        Finds("Reordered", [Send(1), Send(2), Take(2, 1), Take(1, 0)]);

    [Fact]
    public void A_redelivery_may_repeat() => Finds(
        null,
        [
            Send(1), Send(2), Take(1, 0), Take(2, 1), Of(OpKind.Detached), Take(1, 0) with { Count = 2 }, Take(2, 1) with { Count = 2 },
        ]);

    [Fact]
    public void On_a_shared_subscription_there_is_no_order() =>
        Finds(null, [Send(1), Send(2), Take(2, 1), Take(1, 0)], SubscriptionType.Shared);

    [Fact]
    public void On_a_key_shared_one_there_is_the_order_of_the_key()
    {
        Op[] ops =
        [
            Send(1) with { Key = "a" }, Send(2) with { Key = "b" }, Send(3) with { Key = "a" },
            Take(2, 1) with { Key = "b" }, Take(1, 0) with { Key = "a" }, Take(3, 2) with { Key = "a" },
        ];
        Finds(null, ops, SubscriptionType.KeyShared);
        (ops[4], ops[5]) = (ops[5], ops[4]);
        Finds("Reordered", ops, SubscriptionType.KeyShared);
    }

    [Fact]
    public void One_message_at_two_places_is_a_duplicate_in_the_log() =>
        Finds("DuplicateInLog", [Send(1), Take(1, 0), Of(OpKind.Ack, 1, 0), Take(1, 1)]);

    [Fact]
    public void In_the_log_of_another_broker_it_is_none() =>
        Finds(null, [Send(1), Take(1, 0), Of(OpKind.Detached), Take(1, 0) with { Epoch = 2 }]);

    [Fact]
    public void Two_messages_at_one_place_are_found() =>
        Finds("DuplicateInLog", [Send(1), Send(2), Take(1, 0), Of(OpKind.Ack, 1, 0), Take(2, 0)]);

    [Fact]
    public void A_log_that_inverts_what_a_producer_sent_is_found() =>
        Finds("DuplicateInLog", [Send(1), Send(2), Take(2, 0), Take(1, 1)]);

    [Fact]
    public void What_was_acked_and_comes_over_a_later_attachment_is_found() => Finds(
        "AckedThenRedelivered",
        [
            Of(OpKind.Attached), Send(1), Take(1, 0), Of(OpKind.Ack, 1, 0), Of(OpKind.AckConfirmed, 1, 0), Of(OpKind.Detached),
            Of(OpKind.Attached) with { Attachment = 2 }, Take(1, 0) with { Attachment = 2, Count = 2 },
        ]);

    [Fact]
    public void What_was_on_its_way_when_the_ack_was_confirmed_may_come() => Finds(
        null,
        [
            Of(OpKind.Attached), Of(OpKind.Attached) with { Actor = "other" }, Send(1), Take(1, 0), Of(OpKind.Detached),
            Of(OpKind.Ack, 1, 0), Of(OpKind.AckConfirmed, 1, 0) with { Attachment = 0 }, Take(1, 0) with { Actor = "other", Count = 2 },
        ]);

    [Fact]
    public void Two_holders_at_a_time_are_one_too_many() => Finds(
        "DuplicateAfterRedelivery",
        [
            Send(1), Send(2), Take(1, 0), Take(2, 1), Take(1, 0) with { Actor = "other", Count = 2 },
            Of(OpKind.Ack, 2, 1), Of(OpKind.AckConfirmed, 2, 1), Of(OpKind.Detached),
        ]);

    [Fact]
    public void A_holder_that_was_gone_or_whose_lease_was_over_may_have_a_successor()
    {
        Finds(null, [Send(1), Take(1, 0), Of(OpKind.Detached), Take(1, 0) with { Actor = "other", Count = 2 }]);
        Finds(null, [Send(1), Take(1, 0), Take(1, 0) with { Actor = "other", Count = 2 }, Of(OpKind.Detached)]);
        Finds(null, [Send(1), Take(1, 0) with { Due = 3 }, Take(1, 0) with { Actor = "other", Count = 2 }]);
    }

    [Fact]
    public void A_copy_from_before_that_arrives_late_is_no_second_holder() => Finds(
        null, [Send(1), Take(1, 0) with { Count = 2 }, Take(1, 0) with { Actor = "other", Count = 1 }]);

    [Fact]
    public void A_late_nack_of_an_earlier_delivery_does_not_take_a_newer_one_away()
    {
        Op[] ops = [Send(1), Take(1, 0) with { Due = 2 }, Of(OpKind.Lost, 1, 0), Take(1, 0) with { Count = 2, Due = 4 }];
        var third = Take(1, 0) with { Count = 3 };
        Finds("TakenAway", [.. ops, Of(OpKind.Nack, 1, 0), third]);
        Finds(null, [.. ops, Of(OpKind.Nack, 1, 0) with { Count = 2 }, third]);
        Finds(null, [.. ops, Of(OpKind.Lost, 1, 0) with { Count = 2 }, third]);
        Finds(null, [.. ops, Of(OpKind.Nack, 1, 0), third with { Actor = "other" }]);
    }

    [Fact]
    public void What_was_given_back_with_a_delay_is_early_before_it_is_over()
    {
        Op[] ops = [Send(1), Take(1, 0), Of(OpKind.Nack, 1, 0) with { Due = 5 }, Take(1, 0) with { Count = 2 }];
        Finds("Early", ops);
        Finds(null, [.. ops[..3], new(0, OpKind.Drained), ops[3]]);
        // The nack may have been lost with its connection.
        Finds(null, [.. ops[..3], Take(1, 0) with { Actor = "other", Count = 2 }, Of(OpKind.Detached)]);
    }

    [Fact]
    public void What_is_to_be_delivered_later_is_early_before_then() =>
        Finds("Early", [Send(1) with { Due = 10 }, Take(1, 0)]);

    [Fact]
    public void Behind_a_seek_what_was_acked_may_come_again_and_what_was_acked_later_may_not()
    {
        Op[] acked = [Of(OpKind.Ack, 1, 0), Of(OpKind.AckConfirmed, 1, 0)];
        Op[] first = [Of(OpKind.Attached), Send(1), Take(1, 0), .. acked, Of(OpKind.Seek)];
        Op[] second = [Of(OpKind.Detached), Of(OpKind.Attached) with { Attachment = 2 }, Take(1, 0) with { Attachment = 2 }];
        Finds(null, [.. first, Of(OpKind.Sought), .. second]);
        // Nobody knows when it is over; and who has not heard of it yet acks in vain.
        Finds(null, [.. first, .. acked, .. second]);
        Finds(null, [.. first, Of(OpKind.Sought), .. acked, .. second]);
        Finds(
            "AckedThenRedelivered",
            [
                .. first, Of(OpKind.Sought), .. second, .. acked.Select(static op => op with { Attachment = 2 }),
                .. second[..2].Select(static op => op with { Attachment = op.Attachment + 1 }), second[2] with { Attachment = 3 },
            ]);
    }

    [Fact]
    public void What_has_had_the_time_to_expire_is_owed_to_nobody_and_what_has_not_is()
    {
        Finds(null, [Send(1), Confirm(1, 0), new(0, OpKind.Drained)], ttl: 2);
        Finds("Lost", [Send(1), Confirm(1, 0), new(0, OpKind.Drained)], ttl: 3);
    }

    [Fact]
    public void A_message_is_given_up_after_all_its_deliveries_and_once()
    {
        var given = Of(OpKind.DeadLettered, 1, 0);
        Finds(null, [Send(1), Confirm(1, 0), given with { Count = 2 }, new(0, OpKind.Drained)], mostDeliveries: 2);
        Finds("DeadLetter", [Send(1), given with { Count = 1 }], mostDeliveries: 2);
        Finds("DeadLetter", [Send(1), given with { Count = 2 }, given with { Count = 2 }], mostDeliveries: 2);
        Finds("DeadLetter", [Send(1), given with { Count = 2 }]);
    }

    [Fact]
    public void What_is_left_over_is_stuck() => Finds("Stuck", [Send(1), new(0, OpKind.NotDrained) { Note = "all" }]);

    private static Op Send(long value) => new(0, OpKind.Send) { Actor = "producer", Topic = "t", Value = value };

    private static Op Confirm(long value, long offset) => Send(value) with { Kind = OpKind.SendConfirmed, Offset = offset };

    private static Op Take(long value, long offset) => Of(OpKind.Deliver, value, offset);

    private static Op Of(OpKind kind, long value = 0, long offset = 0) => new(0, kind)
    {
        Actor = "consumer", Topic = "t", Subscription = "s", Value = value, Offset = offset, Epoch = 1, Attachment = 1,
        Count = kind is OpKind.Deliver or OpKind.Ack or OpKind.Nack or OpKind.Lost ? 1 : 0,
    };

    /// <summary>Each op at a microsecond of its own, from 1.</summary>
    private static void Finds(string? checker, Op[] ops, SubscriptionType type = SubscriptionType.Exclusive, int mostDeliveries = 0,
        long ttl = 0)
    {
        var history = new History { Subscriptions = [new("t", "s", type, mostDeliveries, ttl)] };
        foreach (var (index, op) in ops.Index())
            history.Add(op with { Time = index + 1 });
        var found = AllCheckers.Check(history).Select(static b => b.Checker).Distinct().ToArray();
        Assert.Equal(checker is null ? [] : [checker], found);
    }
}
