using Comet.Client.Connections;
using Comet.Client.Consuming;
using Comet.Client.Tests.Scripted;
using Comet.Wire;

namespace Comet.Client.Tests.Consuming;

public class SharedStreamTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_waits_sees_what_another_reader_of_the_stream_has_left_of_a_batch()
    {
        await using var link = new Link(new CometClientOptions());
        var settings = ConsumerSettings.From("t", "s", new ConsumerOptions<string>());
        var core = new ConsumerCore(link, settings, [("t", 1, null)], MessageSerializer.Text);
        var partition = core.GetPartition(new MessageId("t", 0, 0));
        Assert.Null(Delivery<string>.TryTake(core));
        var bytes = ScriptedBatch.Create(0, "a", "b");
        core.Arrived(new ReceivedBatch(partition, bytes, RecordBatchHeader.Read(bytes), 1, partition.Generation, 1, 0));
        Assert.Equal("a", Delivery<string>.TryTake(core)?.Value);

        Assert.True(await core.WaitAsync(Cancelled));
        Assert.Equal("b", Delivery<string>.TryTake(core)?.Value);
        Assert.Null(Delivery<string>.TryTake(core));
        Assert.False(core.WaitAsync(Cancelled).AsTask().IsCompleted);
    }
}
