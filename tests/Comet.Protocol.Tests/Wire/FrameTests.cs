using System.Text;
using Comet.Wire;

namespace Comet.Protocol.Tests.Wire;

public sealed class FrameTests
{
    public static TheoryData<string> Codecs => ["msgpack", "json", "lines"];

    [Fact]
    public void The_catalogue_has_every_frame_type() =>
        Assert.Equal(Enum.GetValues<FrameType>().Order(), FrameCatalogue.All.Select(f => f.Type).Order());

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_header_round_trips_in_every_codec_however_it_is_split(string codecName)
    {
        var codec = Codec(codecName);
        foreach (var example in FrameCatalogue.All)
        {
            var header = example.EncodeHeader(codec);
            Assert.Equal(example.Print(), example.DecodeAndPrint(codec, new(header)));
            Assert.Equal(example.Print(), example.DecodeAndPrint(codec, Sequences.Split(header, () => 1)));
        }
    }

    [Fact]
    public void Headers_have_their_golden_bytes()
    {
        var text = new StringBuilder();
        foreach (var example in FrameCatalogue.All)
        {
            text.Append(example.Type).Append(" msgpack ").Append(Convert.ToHexString(example.EncodeHeader(HeaderCodec.MessagePack)))
                .Append('\n');
            text.Append(example.Type).Append(" json ").Append(Encoding.UTF8.GetString(example.EncodeHeader(HeaderCodec.Json))).Append('\n');
        }
        var file = Path.Combine(AppContext.BaseDirectory, "Wire", "golden-headers.txt");
        var expected = File.Exists(file) ? File.ReadAllText(file) : "";
        Assert.True(
            string.Equals(expected, text.ToString(), StringComparison.Ordinal),
            $"The wire form of a frame has changed. If that is meant, write this to "
                + $"tests/Comet.Protocol.Tests/Wire/golden-headers.txt:\n{text}");
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void A_header_cut_off_anywhere_is_a_protocol_violation_or_reads_as_older(string codecName)
    {
        var codec = Codec(codecName);
        foreach (var example in FrameCatalogue.All)
        {
            var header = example.EncodeHeader(codec);
            for (var length = 0; length < header.Length; length++)
                AssertCodedOrFine(() => example.DecodeAndPrint(codec, new(header, 0, length)));
        }
    }

    [Fact]
    public void A_damaged_header_never_throws_anything_but_a_coded_error()
    {
        var random = new Random(20261123);
        foreach (var codec in new[] { HeaderCodec.MessagePack, HeaderCodec.Json })
        {
            foreach (var example in FrameCatalogue.All)
            {
                var header = example.EncodeHeader(codec);
                for (var round = 0; round < 300 && header.Length > 0; round++)
                {
                    var damaged = (byte[])header.Clone();
                    for (var i = random.Next(1, 4); i > 0; i--)
                        damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                    AssertCodedOrFine(() => example.DecodeAndPrint(codec, new(damaged)));
                }
            }
        }
    }

    [Fact]
    public void Fields_that_a_newer_peer_adds_are_skipped()
    {
        // An array of 4 where CloseProducer has 1: the id, then a text, a map and a list.
        byte[] header = [0x94, 0x07, 0xA1, (byte)'x', 0x81, 0xA1, (byte)'k', 0x01, 0x92, 0x01, 0x02];
        Assert.Equal(7, HeaderCodec.MessagePack.Read<CloseProducerFrame>(new(header)).ProducerId);
        var json = Encoding.UTF8.GetBytes("""{"producer":7,"later":{"a":[1,2]}}""");
        Assert.Equal(7, HeaderCodec.Json.Read<CloseProducerFrame>(new(json)).ProducerId);
    }

    [Fact]
    public void Topics_in_a_list_are_read_as_an_older_broker_sends_them()
    {
        // Two fields to a topic, as before there were sizes.
        byte[] header = [0x92, 0x92, 0x92, 0xA1, (byte)'a', 0x04, 0x92, 0xA1, (byte)'b', 0x01, 0xC3];
        var json = Encoding.UTF8.GetBytes("""{"topics":[{"name":"a","partitions":4},{"name":"b","partitions":1}],"more":true}""");
        foreach (var list in (TopicListFrame[])
            [HeaderCodec.MessagePack.Read<TopicListFrame>(new(header)), HeaderCodec.Json.Read<TopicListFrame>(new(json))])
        {
            Assert.Equal([new("a", 4), new("b", 1)], list.Topics);
            Assert.True(list.HasMore);
        }
    }

    [Theory]
    [InlineData("msgpack")]
    [InlineData("json")]
    public void The_largest_page_of_topics_fits_into_an_answer(string codec)
    {
        var topic = new TopicSummary(new('t', Names.MaxLength), 65_536) { Messages = long.MaxValue - 1, Bytes = long.MaxValue - 1 };
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        Codec(codec).Write(output, new TopicListFrame([.. Enumerable.Repeat(topic, ListTopicsFrame.MaxLimit)], true));
        Assert.InRange(output.WrittenCount, 1, FrameLimits.MaxAnswerHeaderLength);
    }

    [Fact]
    public void A_list_longer_than_the_bytes_at_hand_takes_no_memory()
    {
        // TopicList says it has 2^32 - 1 topics; Ack says it has as many ranges.
        byte[] topics = [0x91, 0xDD, 0xFF, 0xFF, 0xFF, 0xFF];
        byte[] ranges = [0x93, 0x01, 0xC2, 0xDD, 0xFF, 0xFF, 0xFF, 0xFF];
        var before = GC.GetAllocatedBytesForCurrentThread();
        AssertCode(ErrorCode.ProtocolViolation, () => HeaderCodec.MessagePack.Read<TopicListFrame>(new(topics)));
        AssertCode(ErrorCode.ProtocolViolation, () => HeaderCodec.MessagePack.Read<AckFrame>(new(ranges)));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256 * 1024);
    }

    private static HeaderCodec Codec(string name) => name switch
    {
        "json" => HeaderCodec.Json,
        "lines" => new LineHeaderCodec(),
        _ => HeaderCodec.MessagePack,
    };

    private static void AssertCodedOrFine(Func<string> decode)
    {
        try
        {
            decode();
        }
        catch (CometException e)
        {
            Assert.True(e.Code is ErrorCode.ProtocolViolation or ErrorCode.InvalidArgument, e.ToString());
        }
    }

    private static void AssertCode<T>(ErrorCode code, Func<T> action) =>
        Assert.Equal(code, Assert.Throws<CometException>(() => { action(); }).Code);
}
