using Comet.Client;
using Comet.Crash.Tests.Checkers;
using Comet.Integration.Tests.Processes;

namespace Comet.Crash.Tests.Load;

/// <summary>What a server that came back has, asked of it directly.</summary>
internal static class Inspection
{
    /// <summary>Receives all that a subscription has not acked, and tells its ledger; on return whatever was confirmed has come at some
    /// time, or is reported.</summary>
    /// <returns>The messages that came, with how often each was delivered.</returns>
    public static async Task<IReadOnlyList<(Message Message, int DeliveryCount)>> ReceiveBacklogAsync(
        CometClient client, string topic, Listening listening, SubscriptionLedger ledger)
    {
        using var limit = new CancellationTokenSource(Limits.Wait);
        var cancelled = limit.Token;
        var partitions = await client.Subscriptions.DescribeAsync(topic, listening.Name, cancelled);
        await using var consumer = await client.SubscribeAsync<Message>(topic, listening.Name, new()
        {
            Type = listening.Type, Serializer = Message.Serializer,
        }, cancelled);
        var came = new List<(Message, int)>();
        for (var left = partitions.Sum(static p => p.Backlog); left > 0; left--)
        {
            var delivery = await ReceiveAsync(client, consumer, () => $"{left} messages of {ledger} do not come", cancelled);
            ledger.Delivered(delivery.Value, delivery.Id, delivery.OwnershipEpoch);
            came.Add((delivery.Value, delivery.DeliveryCount));
        }
        ledger.CheckDrained();
        return came;
    }

    private static async Task<Delivery<Message>> ReceiveAsync(
        CometClient client, Consumer<Message> consumer, Func<string> what, CancellationToken cancelled)
    {
        try
        {
            return await consumer.ReceiveAsync(cancelled);
        }
        catch (OperationCanceledException)
        {
            var why = await client.Subscriptions.ExplainAsync(consumer.Topic, consumer.Subscription, CancellationToken.None);
            Assert.Fail($"{what()}: {string.Join("; ", why.Partitions)}");
            throw;
        }
    }
}
