namespace Comet.Server.Tests.Sessions;

/// <summary>A connection beside the one that misbehaves: it goes on, whatever happens to the other.</summary>
internal sealed class Bystander : IAsyncDisposable
{
    private readonly RawClient _client;
    private readonly long _producer;
    private long _sequence;

    private Bystander(RawClient client, long producer) => (_client, _producer) = (client, producer);

    public static async Task<Bystander> ConnectAsync(CometBroker broker)
    {
        var client = await RawClient.ConnectAsync(broker);
        var bystander = new Bystander(client, await client.CreateProducerAsync("bystander", "b"));
        await bystander.AssertGoesOnAsync();
        return bystander;
    }

    public async Task AssertGoesOnAsync()
    {
        var published = await _client.PublishAsync(_producer, _sequence, 3, "b");
        Assert.Equal(_sequence, published.BaseOffset);
        _sequence += 3;
        Assert.False(_client.Served.IsCompleted);
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();
}
