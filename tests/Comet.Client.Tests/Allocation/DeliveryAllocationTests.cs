using Comet.Client.Tests.Scripted;
using Comet.Wire;

namespace Comet.Client.Tests.Allocation;

/// <summary>Measures the process as a whole, so nothing may run beside it.</summary>
[CollectionDefinition(nameof(MeasuredAlone), DisableParallelization = true)]
public sealed class MeasuredAlone;

[Collection(nameof(MeasuredAlone))]
public class DeliveryAllocationTests
{
    private const int Batches = 2_000;
    private const int BatchSize = 100;
    private const int Messages = Batches * BatchSize;

    // One Delivery object: a header of 16 bytes, a reference, two integers, a flag, and a value of 16 bytes (a slice of the batch).
    private const int DeliverySize = 56;
    // The batch object, the frame of its ack, and what waiting costs, spread over the messages of a batch.
    private const int Share = 16;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_delivered_and_acked_message_costs_one_object_on_the_client_beyond_its_bytes()
    {
        // A scripted broker sends the same bytes again and again and allocates next to nothing itself.
        var broker = new ScriptedBroker { IsRecording = false };
        await using var client = await CometClient.ConnectAsync(new CometClientOptions { Transport = broker }, Cancelled);
        await using var consumer = await client.SubscribeAsync<ReadOnlyMemory<byte>>("t", "s",
            new() { ReceiveWindowMessages = 1_000 }, Cancelled);
        var session = await broker.Sessions.ReadAsync(Cancelled);
        var batch = ScriptedBatch.Create(0, [.. Enumerable.Range(0, BatchSize).Select(static i => $"message {i}")]);
        await RunAsync(session, consumer, batch);

        var before = GC.GetTotalAllocatedBytes(precise: true);
        await RunAsync(session, consumer, batch);
        var perMessage = (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / Messages;

        var beyondBytes = perMessage - ((double)batch.Length / BatchSize);
        TestContext.Current.TestOutputHelper?.WriteLine($"{perMessage:0.0} B a message, {beyondBytes:0.0} B beyond its bytes");
        Assert.InRange(beyondBytes, DeliverySize, DeliverySize + Share);
    }

    private static async Task RunAsync(ScriptedSession session, Consumer<ReadOnlyMemory<byte>> consumer, byte[] batch)
    {
        var sum = 0L;
        var left = Messages;
        for (var i = 0; i < 10; i++)
            session.Send(new DeliverFrame(1, 1), 0, batch);
        var sent = 10;
        await foreach (var delivery in consumer.ReadAllAsync(Cancelled))
        {
            sum += delivery.Value.Length;
            await delivery.AckAsync(Cancelled);
            if (--left == 0)
                break;
            if (left % BatchSize == 0 && sent++ < Batches)
                session.Send(new DeliverFrame(1, 1), 0, batch);
        }
        await consumer.FlushAcksAsync(Cancelled);
        Assert.True(sum > 0);
    }
}
