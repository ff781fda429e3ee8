using System.Buffers;
using Comet.Wire;

namespace Comet.Protocol.Tests.Wire;

/// <summary>One example of every frame, with every field set to something that is not its default.</summary>
internal static class FrameCatalogue
{
    private static readonly DateTimeOffset s_time = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);
    private static readonly TopicUpdate s_policy = new()
    {
        Retention = new() { MaxMessages = 1000, MaxAge = TimeSpan.FromDays(7), MaxBytes = 1 << 30 },
        MessageTtl = TimeSpan.FromHours(1),
        BacklogQuota = new(1 << 20, BacklogAction.DropOldest),
        DefaultDurability = Durability.Memory,
        StorageCompression = StorageCompression.Lz4,
    };

    public static IReadOnlyList<IFrameExample> All { get; } =
    [
        Of(new HelloFrame(1, 2, "json", "shop", "0.1.0", [1, 2, 3], 5)),
        Of(new WelcomeFrame(1, "node-1", 1_048_576, 1_245_184, 10_000, "0.1.0", ["comet://a:7400", "comet://[::1]:7401"])),
        Of(new OkFrame()),
        Of(new ErrorFrame(ErrorCode.NotOwner, "ask the other node", "comet://b:7400")),
        Of(new PingFrame()),
        Of(new PongFrame()),
        Of(new GoodbyeFrame(ErrorCode.BrokerStopping, "restarting")),
        Of(new CreateTopicFrame("orders/eu", 4, true, s_policy)),
        Of(new DeleteTopicFrame("orders/eu")),
        Of(new ListTopicsFrame("orders", "orders/eu", 1_000)),
        Of(new TopicListFrame([new("orders/eu", 4) { Messages = 1_500, Bytes = 0 }, new("audit", 1)], true)),
        Of(new DescribeTopicFrame("orders/eu")),
        Of(new TopicInfoFrame(new(
            "orders/eu",
            [new(0, 10, 20, 4096, 2) { FirstAppendTime = s_time, LastAppendTime = s_time.AddMinutes(1) }, new(1, 0, 5, 100, 1)],
            [
                new("billing", 0, SubscriptionType.Shared, 12, 8, 3, 2, 997)
                {
                    DeadLettering = 4, DeadLetterError = "full",
                    OldestUnackedOffset = 12, OldestUnackedTime = s_time, BacklogBytes = 800, Expired = 4, Dropped = 5,
                },
            ])
            { Policy = s_policy.ApplyTo(TopicPolicy.Default) })),
        Of(new LookupTopicFrame("orders/eu", true)),
        Of(new TopicLocationFrame("orders/eu", 2, ["comet://a:7400", "comet://b:7400"])),
        Of(new UpdateTopicFrame("orders/eu", new() { Partitions = 8, MessageTtl = Timeout.InfiniteTimeSpan })),
        Of(new TopicChangedFrame("orders/eu", 8)),
        Of(new CreateSubscriptionFrame("orders/eu", 3, "billing", SubscriptionType.Shared, 2, 100, true)),
        Of(new CreateProducerFrame("orders/eu", 3, "shop-1", ProducerAccessMode.WaitForExclusive, Durability.Disk)),
        Of(new ProducerReadyFrame(7, 41, 3)),
        Of(new PublishFrame(7, 43)),
        Of(new PublishedFrame(7, 42, 184, 10, Durability.Memory, true)),
        Of(new CloseProducerFrame(7)),
        Of(new ProducerClosedFrame(7, ErrorCode.ProducerFenced, "a newer one")),
        Of(new SubscribeFrame("orders/eu", 3, "billing", SubscriptionType.KeyShared, true, "worker-1", 2, 100, 9)
        {
            Terms = new(true, 30_000, 1000, 60_000, 2500, 5, "orders/dead"),
        }),
        Of(new SubscribedFrame(9, 100, 3, 2)),
        Of(new PermitsFrame(9, 1000, 1 << 20)),
        Of(new DeliverFrame(9, 2)),
        Of(new AckFrame(9, true, [100, 109, 111, 111])),
        Of(new NackFrame(9, 1500, "no stock", [110, 110], 2)),
        Of(new CloseConsumerFrame(9)),
        Of(new ConsumerClosedFrame(9, ErrorCode.TopicDeleted, "gone")),
        Of(new ConsumerProgressFrame(9, 119, 5, 4096, 12)),
        Of(new UnsubscribeFrame("orders/eu", 3, "billing")),
        Of(new ExtendLeaseFrame(9, [110, 119], 2)),
        Of(new DeadLetterFrame(9, "no such customer", [110, 110], 3)),
        Of(new ConsumerActivityFrame(9, true)),
        Of(new LeaseLostFrame(9, [110, 119, 121, 121])),
        Of(new CancelScheduledFrame("orders/eu", 3, 184, "A-17")),
        Of(new RescheduleFrame("orders/eu", 3, 184, 1_700_000_000_000_000)),
        Of(new CountScheduledFrame("orders/eu", 3, "A-17", 1_600_000_000_000_000, 1_700_000_000_000_000)),
        Of(new ScheduleResultFrame(ScheduleOutcome.AlreadyDelivered, 5)),
        Of(new ListScheduledFrame("orders/eu", 3, "A-17", 1_600_000_000_000_000, 1_700_000_000_000_000, 1_650_000_000_000_000, 183, 500)),
        Of(new ScheduledPageFrame([new(184, 1_650_000_000_000_001, "A-17", 1_500_000_000_000_000, 12), new(190, 7, null, 5, 0)])),
        Of(new SeekFrame("orders/eu", 3, "billing", 2, 100)),
        Of(new SoughtFrame(100)),
        Of(new DescribeHealthFrame()),
        Of(new HealthFrame(new(3, [new("orders/eu", 2, "a file is damaged")]))),
        Of(new ExplainSubscriptionFrame("orders/eu", "billing")),
        Of(new SubscriptionExplainedFrame(new(
            "orders/eu", "billing", SubscriptionType.KeyShared,
            [
                new(0, 8, 12, TimeSpan.FromSeconds(90), 14, WaitReason.KeyHeldBy, "worker-1",
                    UnixMicroseconds.ToTime(1_700_000_000_000_000), "told",
                    [new("worker-1", true, true, 997, 65_536, 3, 13), new("worker-2", false, false, 1000, 65_000, 2, null)]),
                new(1, 0, null, null, null, WaitReason.NothingToDeliver, null, null, null, []),
            ]))),
    ];

    private static FrameExample<TFrame> Of<TFrame>(TFrame frame)
        where TFrame : struct, IFrame<TFrame> => new(frame);
}

internal interface IFrameExample
{
    FrameType Type { get; }

    byte[] EncodeHeader(HeaderCodec codec);

    byte[] EncodeFrame(HeaderCodec codec, ulong correlationId, byte[] payload);

    /// <summary>Decodes a header and prints it, so that two can be compared whatever lists they hold.</summary>
    string DecodeAndPrint(HeaderCodec codec, ReadOnlySequence<byte> header);

    string Print();
}

internal sealed class FrameExample<TFrame>(TFrame frame) : IFrameExample
    where TFrame : struct, IFrame<TFrame>
{
    public FrameType Type => TFrame.Type;

    public byte[] EncodeHeader(HeaderCodec codec)
    {
        var output = new ArrayBufferWriter<byte>();
        codec.Write(output, frame);
        return output.WrittenSpan.ToArray();
    }

    public byte[] EncodeFrame(HeaderCodec codec, ulong correlationId, byte[] payload)
    {
        using var output = new GrowableBuffer(64);
        new FrameEncoder().Encode(output, codec, frame, correlationId, new ReadOnlySequence<byte>(payload));
        return output.WrittenSpan.ToArray();
    }

    public string DecodeAndPrint(HeaderCodec codec, ReadOnlySequence<byte> header) => PrintFrame(codec.Read<TFrame>(header));

    public string Print() => PrintFrame(frame);

    private static string PrintFrame(TFrame value) => System.Text.Json.JsonSerializer.Serialize(value);

    public override string ToString() => Type.ToString();
}
