using Comet.Wire;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Server.Tests.Sessions;

/// <summary>A broker with a bystander, who must be able to go on when the test is over, whatever it did.</summary>
public abstract class BrokerTest(CometServerOptions? options = null) : IAsyncLifetime
{
    private Bystander? _bystander;

    internal FakeTimeProvider Time { get; } = new();

    internal CometBroker Broker { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Broker = new CometBroker((options ?? new CometServerOptions()) with { DrainTimeout = TimeSpan.Zero }, Time);
        _bystander = await Bystander.ConnectAsync(Broker);
    }

    public async ValueTask DisposeAsync()
    {
        await _bystander!.AssertGoesOnAsync();
        await _bystander.DisposeAsync();
        await Broker.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    internal Task<RawClient> ConnectAsync() => RawClient.ConnectAsync(Broker);

    internal static SubscribeFrame Subscribe(
        string topic, string subscription = "s", SubscriptionType type = SubscriptionType.Shared, string consumer = "c",
        StartPositionKind start = StartPositionKind.Earliest, long value = 0, bool isDurable = true, int partition = 0) =>
        new(topic, partition, subscription, type, isDurable, consumer, (long)start, value, 0);

    internal static CreateProducerFrame Producer(
        string topic, string name = "p", ProducerAccessMode mode = ProducerAccessMode.Shared, int partition = 0,
        Durability durability = Durability.Memory) => new(topic, partition, name, mode, durability);
}
