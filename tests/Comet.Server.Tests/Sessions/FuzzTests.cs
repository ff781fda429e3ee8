using System.Buffers;
using Comet.Server.Tests.Broker;
using Comet.Wire;
using CsCheck;

namespace Comet.Server.Tests.Sessions;

public sealed class FuzzTests() : BrokerTest(new CometServerOptions { MaxMessageLength = 10_000 })
{
    // What is left over after a frame that has become longer waits for its end: then the client ends first, within a frame.
    private static readonly ErrorCode[] s_expected =
    [
        ErrorCode.ProtocolViolation, ErrorCode.FrameTooLarge, ErrorCode.CorruptBatch, ErrorCode.UnsupportedCompression,
        ErrorCode.UnexpectedHandshake,
    ];

    private const ulong Last = 424242;

    private static readonly Gen<(int Frame, int At, byte Value)[]> s_damage =
        Gen.Select(Gen.Int[0, 11], Gen.Int[0, 400], Gen.Byte).Array[1, 6];

    /// <summary>An exception that nobody foresaw would be told as a lost connection; the reason must be one of the protocol.</summary>
    [Fact]
    public Task Whatever_is_damaged_the_connection_goes_on_or_ends_with_an_error_of_the_protocol() =>
        s_damage.SampleAsync(async damage =>
        {
            await using var client = await ConnectAsync();
            var producer = await client.CreateProducerAsync("fuzz");
            var consumer = (await client.SubscribeAsync(Subscribe("fuzz"))).ConsumerId;
            var sent = new List<byte>();
            foreach (var (frame, at, value) in damage)
                sent.AddRange(client.EncodeDamaged(Encoders(producer, consumer)[frame], at, value));
            sent.AddRange(client.EncodeDamaged(e => e.Add(default(PingFrame), Last), -1, 0));
            await client.SendAsync(sent.ToArray());
            client.EndSending();
            var (reason, isAnswered) = await client.OutcomeAsync(Last);
            Assert.True(
                isAnswered || s_expected.Contains(reason) || reason == ErrorCode.ConnectionLost || IsLastSwallowed([.. sent]),
                $"It ended with {reason}.");
            if (reason == ErrorCode.ConnectionLost)
                Assert.Contains("in the middle of a frame", client.LastMessage, StringComparison.Ordinal);
        }, iter: 1000, threads: 1);

    /// <summary>A length that has grown may end just where the last frame does, which is then the payload of another one.</summary>
    private static bool IsLastSwallowed(byte[] sent)
    {
        var rest = new ReadOnlySequence<byte>(sent);
        var last = 0UL;
        while (FrameDecoder.TryRead(ref rest, FrameLimits.For(10_000), out var frame))
            last = frame.CorrelationId;
        return rest.IsEmpty && last != Last;
    }

    private static Action<RawClient.Encoder>[] Encoders(long producer, long consumer) =>
    [
        e => e.Add(new PublishFrame(producer), 3, Batches.Make("p", 0, 3, 20)),
        e => e.Add(new AckFrame(consumer, false, [1, 5, 9, 9]), 3),
        e => e.Add(new NackFrame(consumer, 5, "why", [1, 5]), 3),
        e => e.Add(new PermitsFrame(consumer, 10, 1000), 0),
        e => e.Add(Producer("fuzz", "q"), 3),
        e => e.Add(Subscribe("fuzz"), 3),
        e => e.Add(new CreateTopicFrame("fuzz2", 3, true), 3),
        e => e.Add(new ListTopicsFrame("f"), 3),
        e => e.Add(new DescribeTopicFrame("fuzz"), 3),
        e => e.Add(new UnsubscribeFrame("fuzz", 0, "s"), 3),
        e => e.Add(new LookupTopicFrame("fuzz3", true), 3),
        e => e.Add(new CloseConsumerFrame(consumer), 3),
    ];
}
