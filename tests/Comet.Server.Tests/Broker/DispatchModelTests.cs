using Comet.Server.Broker;
using CsCheck;

namespace Comet.Server.Tests.Broker;

/// <summary>Every subscription type against a plain account of each message: see <see cref="DispatchModel"/> for what is held against
/// it.</summary>
public sealed class DispatchModelTests
{
    private static readonly Gen<(int Kind, int Which, int A, int B)> s_step =
        Gen.Select(Gen.Int[0, 27], Gen.Int[0, 100], Gen.Int[0, 60], Gen.Int[0, 15]);

    private static readonly Gen<SubscriptionSettings> s_settings = Gen.Select(
        Gen.Int[0, 1], Gen.Int[0, 3], Gen.Int[0, 1], (hasLease, maxDeliveries, hasBackoff) => new SubscriptionSettings
        {
            Lease = hasLease * 900,
            MaxDeliveries = maxDeliveries == 0 ? 0 : maxDeliveries + 1,
            Backoff = new RedeliveryDelay(hasBackoff * 200, 1_000, 2_000),
            DeadLetterTopic = "t/s/dead-letters",
        });

    [Theory]
    [Cases(6_000)]
    [InlineData(SubscriptionType.Shared)]
    [InlineData(SubscriptionType.Exclusive)]
    [InlineData(SubscriptionType.Failover)]
    [InlineData(SubscriptionType.KeyShared)]
    public void No_message_is_lost_none_that_is_acked_comes_again_order_and_permits_hold(SubscriptionType type) =>
        Check(type, PlantedBug.None, Cases.OfThisTest);

    /// <summary>What the account is worth: it notices each of these.</summary>
    [Theory]
    [InlineData(SubscriptionType.Shared, nameof(PlantedBug.CursorMovedBeforeAck))]
    [InlineData(SubscriptionType.Exclusive, nameof(PlantedBug.AckedMessageRedelivered))]
    [InlineData(SubscriptionType.Failover, nameof(PlantedBug.DuplicateAfterRedelivery))]
    [InlineData(SubscriptionType.Shared, nameof(PlantedBug.EarlyDelay))]
    [InlineData(SubscriptionType.KeyShared, nameof(PlantedBug.StuckKeyRange))]
    [InlineData(SubscriptionType.Shared, nameof(PlantedBug.LateNackTaken))]
    [InlineData(SubscriptionType.KeyShared, nameof(PlantedBug.LateNackTaken))]
    public void It_notices_a_planted_bug(SubscriptionType type, string bug) =>
        Assert.ThrowsAny<Exception>(() => Check(type, Enum.Parse<PlantedBug>(bug), 2_000));

    private static void Check(SubscriptionType type, PlantedBug bug, int cases) =>
        Gen.Select(Gen.Int[1, 50], Gen.Int[1, 6], s_settings, s_step.List[1, 70]).Sample((maxOutstanding, keys, settings, steps) =>
        {
            using var model = new DispatchModel(type, maxOutstanding, keys, settings, bug);
            model.AddConsumer(0);
            foreach (var (kind, which, a, b) in steps)
                Step(model, kind, which, a, b);
            model.Finish();
        }, iter: cases);

    /// <summary>Something that is said of the first, second or third delivery of messages, which may be over.</summary>
    private static void StepLate(DispatchModel model, Consumer consumer, int what, int a, int b)
    {
        var count = (b % 3) + 1;
        if (what == 0)
            model.Nack(consumer, a, a + b, delay: b * 50, count);
        else if (what == 1)
            model.Extend(consumer, a, a + b, count);
        else
            model.GiveUp(consumer, a, a + (b / 4), count);
    }

    private static void Step(DispatchModel model, int kind, int which, int a, int b)
    {
        var consumer = model.Consumers.Count > 0 ? model.Consumers[which % model.Consumers.Count] : null;
        if (kind <= 4)
            model.Publish(b + 1, (CompressionType)(which % 3));
        else if (kind == 5 || consumer is null)
            model.AddConsumer(which % 3);
        else if (kind == 6)
            model.RemoveConsumer(consumer);
        else if (kind <= 10)
            model.Permit(consumer, a / 3, b * 60);
        else if (kind <= 13)
            model.Ack(consumer, a, a + b, cumulative: false);
        else if (kind == 14)
            model.Ack(consumer, 0, a, cumulative: true);
        else if (kind <= 16)
            model.Nack(consumer, a, a + b, delay: 0);
        else if (kind == 17)
            model.Nack(consumer, a, a + b, delay: b * 100);
        else if (kind == 18)
            model.Nack(consumer, a, a + b, delay: GiveBackCause.ByPolicy);
        else if (kind == 19)
            model.SetHasSpace(consumer, b % 2 == 0);
        else if (kind == 20)
            model.Extend(consumer, a, a + b);
        else if (kind == 21)
            model.GiveUp(consumer, a, a + (b / 8));
        else if (kind <= 23)
            model.AnswerLetter(which, isAccepted: b % 3 != 0);
        else if (kind == 24)
            StepLate(model, consumer, which % 3, a, b);
        else
            model.Pass(b * 80);
    }
}
