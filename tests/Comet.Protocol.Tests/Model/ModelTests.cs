using CsCheck;

namespace Comet.Protocol.Tests.Model;

public sealed class ModelTests
{
    [Theory]
    [InlineData("orders")]
    [InlineData("a")]
    [InlineData("orders/eu-1/v2.0_x")]
    [InlineData("...")]
    public void Good_names_pass(string name) => Assert.True(Names.IsValid(name));

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/orders")]
    [InlineData("orders/")]
    [InlineData("a//b")]
    [InlineData("a/./b")]
    [InlineData("../etc/passwd")]
    [InlineData("a/..")]
    [InlineData("white space")]
    [InlineData("new\nline")]
    [InlineData("nul\0")]
    [InlineData("ümlaut")]
    [InlineData("per%2ecent")]
    public void Bad_names_are_refused_without_control_characters_in_the_error(string name)
    {
        Assert.False(Names.IsValid(name));
        var error = Assert.Throws<CometException>(() => Names.Require(name, "topic"));
        Assert.Equal(ErrorCode.InvalidName, error.Code);
        Assert.DoesNotContain(error.Message, char.IsControl);
    }

    [Fact]
    public void A_name_may_have_200_characters_and_no_more()
    {
        Assert.True(Names.IsValid(new string('a', 200)));
        Assert.False(Names.IsValid(new string('a', 201)));
    }

    [Fact]
    public void A_message_id_prints_and_parses() => Gen.Select(Gen.Int[0, 1000], Gen.Long[0, long.MaxValue]).Sample((partition, offset) =>
    {
        var id = new MessageId("shop/orders-2", partition, offset);
        Assert.Equal(id, MessageId.Parse(id.ToString()));
    });

    [Theory]
    [InlineData("orders")]
    [InlineData("orders@1")]
    [InlineData("orders-1")]
    [InlineData("-1@2")]
    [InlineData("orders-x@2")]
    [InlineData("orders-1@-2")]
    [InlineData("orders-99999999999@2")]
    public void What_is_no_message_id_does_not_parse(string text) => Assert.False(MessageId.TryParse(text, null, out _));

    [Fact]
    public void Message_ids_sort_by_topic_partition_and_offset()
    {
        MessageId[] sorted = [new("a", 0, 5), new("a", 1, 0), new("a", 1, 1), new("b", 0, 0)];
        Assert.Equal(sorted, sorted.Reverse().Order());
        Assert.True(sorted[0] < sorted[1] && sorted[3] >= sorted[2] && sorted[0] <= sorted[0] && sorted[1] > sorted[0]);
    }

    [Theory]
    [InlineData("comet://localhost", "localhost", 7400, false)]
    [InlineData("comet://10.0.0.1:7500", "10.0.0.1", 7500, false)]
    [InlineData("comets://mq.example.org:1", "mq.example.org", 1, true)]
    [InlineData("comet://[::1]:7400", "::1", 7400, false)]
    public void An_address_parses_and_prints(string text, string host, int port, bool tls)
    {
        var endpoint = CometEndpoint.Parse(text);
        Assert.Equal(new CometEndpoint(host, port, tls), endpoint);
        Assert.Equal(endpoint, CometEndpoint.Parse(endpoint.ToString()));
    }

    [Theory]
    [InlineData("localhost:7400")]
    [InlineData("http://localhost:7400")]
    [InlineData("comet://")]
    [InlineData("comet://user@host")]
    [InlineData("comet://host/path")]
    [InlineData("comet://host:70000")]
    [InlineData("")]
    public void What_is_no_address_says_what_to_write(string text) =>
        Assert.Contains("comet://host:port", Assert.Throws<FormatException>(() => CometEndpoint.Parse(text)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void No_text_is_no_address_and_an_ArgumentNullException() =>
        Assert.Throws<ArgumentNullException>(() => CometEndpoint.Parse(null!));

    [Fact]
    public void A_time_from_a_hostile_peer_is_clamped()
    {
        Assert.Equal(DateTimeOffset.MaxValue.UtcTicks / 10, UnixMicroseconds.ToTime(long.MaxValue).UtcTicks / 10);
        Assert.Equal(DateTimeOffset.MinValue, UnixMicroseconds.ToTime(long.MinValue));
    }

    [Fact]
    public void Headers_keep_their_order_and_find_the_first_of_a_name()
    {
        var headers = new MessageHeaders { { "trace", "1" }, { "origin", "shop" }, { "trace", "2" } };
        Assert.Equal(["trace", "origin", "trace"], headers.Select(h => h.Key));
        Assert.Equal("1", headers["trace"]);
        Assert.Null(headers["Trace"]);
    }

    [Fact]
    public void Every_error_code_says_whether_it_is_transient()
    {
        Assert.True(new CometException(ErrorCode.ConnectionLost, "x").IsTransient);
        Assert.False(new CometException(ErrorCode.NotComet, "x").IsTransient);
        Assert.Equal(Enum.GetValues<ErrorCode>().Length, Enum.GetValues<ErrorCode>().Distinct().Count());
    }
}
