using System.IO.Pipelines;
using Comet.Server.Sessions;
using Comet.Transport;
using Comet.Wire;

namespace Comet.Server.Tests.Sessions;

public sealed class BackPressureTests() : BrokerTest(new CometServerOptions { MaxUnsentBytes = Limit })
{
    private const int Limit = 64 * 1024;

    [Fact]
    public async Task A_client_that_does_not_read_is_sent_no_more_than_the_limit_and_all_of_it_when_it_reads()
    {
        const int Batches = 100;
        const int BatchSize = 50;
        await using var slow = await ConnectAsync();
        await using var other = await ConnectAsync();
        var consumer = (await slow.SubscribeAsync(Subscribe("t"))).ConsumerId;
        await slow.SendAsync(new PermitsFrame(consumer, 1 << 20, 1 << 30));
        await slow.SettleAsync();
        var producer = await other.CreateProducerAsync("t");
        for (var i = 0; i < Batches; i++)
            await other.PublishAsync(producer, i * BatchSize, BatchSize, padding: 1000);

        // The network takes what its own buffers hold; then the broker gathers up to its limit, and then it stops.
        PartitionExplanation found;
        do
        {
            var answer = await other.AskAsync(new ExplainSubscriptionFrame("t", "s"));
            found = Assert.Single(answer.Read<SubscriptionExplainedFrame>().Explanation.Partitions);
        }
        while (found.Reason != WaitReason.ConsumerNotReading);
        Assert.Equal(("c", false), (found.Holder, found.Consumers[0].IsReading));
        Assert.InRange(found.Consumers[0].Unacked, BatchSize, Batches * BatchSize / 2);

        var received = await slow.ReceiveAsync(consumer, Batches * BatchSize);
        Assert.Equal(Enumerable.Range(0, Batches * BatchSize).Select(static i => (long)i), received.Select(static m => m.Offset));
    }

    [Fact]
    public async Task What_is_published_and_not_answered_keeps_its_connection_from_being_read()
    {
        var pipe = new Pipe();
        var sender = new FrameSender(pipe.Writer, HeaderCodec.MessagePack, Limit);
        var peer = new SessionPeer(sender, new CometServerOptions { MaxInFlightPublishBytes = Limit }, new LoneCommit(TimeProvider.System));
        peer.PublishReceived(Limit - 1);
        Assert.True(peer.WaitForRoomAsync(CancellationToken.None).AsTask().IsCompletedSuccessfully);
        peer.PublishReceived(1);
        var waiting = peer.WaitForRoomAsync(CancellationToken.None).AsTask();
        Assert.False(waiting.IsCompleted);
        peer.PublishAnswered(1);
        await waiting.WaitAsync(RawClient.Deadline);
    }
}
