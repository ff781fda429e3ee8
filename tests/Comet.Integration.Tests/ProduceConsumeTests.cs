using System.Text;
using Comet.Integration.Tests.Processes;

namespace Comet.Integration.Tests;

/// <summary>comet produce and comet consume: what goes in line by line comes out line by line.</summary>
public sealed class ProduceConsumeTests
{
    private static readonly byte[] s_readme = Encoding.UTF8.GetBytes(
        "# Title\n\n- a\n- b — ü 日本語 🚀\n\n```\ncode  with   spaces\n\ttab\n```\n" + new string('x', 70_000) + "\n");

    private static readonly byte[] s_three = [.. "one\n"u8, 0xFF, .. "two\nthree"u8];

    public static TheoryData<string, byte[], int> Files => new()
    {
        { "a read-me with long and empty lines", s_readme, 10 },
        { "carriage returns stay", "a\r\nb\r\n\r\n\rc\r\n"u8.ToArray(), 4 },
        { "empty lines are messages", "\n\n\nx\n\n"u8.ToArray(), 5 },
        { "bytes that are no UTF-8", [0xFF, 0xFE, 0, 1, 0xC3, (byte)'\n', 0x80, (byte)'\n'], 2 },
        { "a last line without line feed", "one\ntwo"u8.ToArray(), 2 },
        { "nothing", [], 0 },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_file_comes_back_byte_for_byte(string _, byte[] content, int count)
    {
        using var folder = new TemporaryFolder();
        await using var server = await CometServerProcess.StartAsync();

        var produced = (await server.RunAsync("produce", "t", "--file", folder.Write("in", content))).Exits(0);
        var consumed = (await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", $"{count}")).Exits(0);

        Assert.StartsWith($"{count} messages confirmed in ", produced.Lines[^1], StringComparison.Ordinal);
        // Each message is written with a line feed, also the one whose line had none.
        byte[] expected = content is [.., not (byte)'\n'] ? [.. content, (byte)'\n'] : content;
        Assert.Equal(expected, consumed.OutputBytes);
        Assert.Equal("", consumed.Errors);
    }

    [Fact]
    public async Task A_hundred_thousand_lines_come_back_in_order()
    {
        const int Count = 100_000;
        using var folder = new TemporaryFolder();
        var content = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, Count).Select(static i => $"line {i}\n")));
        await using var server = await CometServerProcess.StartAsync();

        var produced = (await server.RunAsync("produce", "t", "--file", folder.Write("in", content))).Exits(0);
        var consumed = (await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", $"{Count}")).Exits(0);

        Assert.StartsWith("100,000 messages confirmed in ", produced.Lines[^1], StringComparison.Ordinal);
        Assert.True(content.AsSpan().SequenceEqual(consumed.OutputBytes), "What came out is not what went in.");
    }

    [Fact]
    public async Task Standard_input_is_sent_line_by_line()
    {
        await using var server = await CometServerProcess.StartAsync();
        var produced = await CometProcess.RunWithInputAsync(s_three, "produce", "t", "--server", server.Address);
        var consumed = await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", "3");
        Assert.Equal(s_three.Append((byte)'\n'), consumed.Exits(0).OutputBytes);
        Assert.StartsWith("3 messages confirmed in ", produced.Exits(0).Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Standard_input_is_sent_while_it_is_still_open()
    {
        await using var server = await CometServerProcess.StartAsync();
        await using var consumer = server.Start("consume", "t", "--subscription", "s", "--from", "earliest");
        await using var producer = server.Start("produce", "t");
        await producer.Input.WriteAsync("a line\nhalf a"u8.ToArray());
        await producer.Input.FlushAsync();
        await consumer.Output.WaitForLinesAsync(1);
        Assert.Equal("a line\n", consumer.Output.Text);
    }

    [Fact]
    public async Task Json_tells_everything_about_a_message()
    {
        await using var server = await CometServerProcess.StartAsync();
        var before = DateTimeOffset.UtcNow.AddSeconds(-1);
        (await CometProcess.RunWithInputAsync(
            "first \"line\" ü\n"u8.ToArray(),
            "produce", "t", "--key", "k", "--header", "a=b=c", "-H", "empty=", "--server", server.Address)).Exits(0);
        (await CometProcess.RunWithInputAsync((byte[])[0xFF, 0x00], "produce", "t", "-s", server.Address)).Exits(0);

        var consumed = await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "-n", "2", "--json");
        var messages = consumed.Exits(0).Json;

        var first = messages[0];
        Assert.Equal(
            ["id", "key", "headers", "publishTime", "appendTime", "deliveryCount", "payload"],
            first.EnumerateObject().Select(static p => p.Name));
        Assert.Equal(new MessageId("t", 0, 0).ToString(), first.GetProperty("id").GetString());
        Assert.Equal("k", first.GetProperty("key").GetString());
        Assert.Equal("""{"a":"b=c","empty":""}""", first.GetProperty("headers").GetRawText());
        Assert.InRange(first.GetProperty("publishTime").GetDateTimeOffset(), before, before.AddMinutes(1));
        Assert.InRange(first.GetProperty("appendTime").GetDateTimeOffset(), before, before.AddMinutes(1));
        Assert.Equal(1, first.GetProperty("deliveryCount").GetInt32());
        Assert.Equal("first \"line\" ü", first.GetProperty("payload").GetString());

        var second = messages[1];
        Assert.Equal(
            ["id", "publishTime", "appendTime", "deliveryCount", "payloadBase64"],
            second.EnumerateObject().Select(static p => p.Name));
        Assert.Equal([0xFF, 0x00], second.GetProperty("payloadBase64").GetBytesFromBase64());
    }

    [Fact]
    public async Task Generated_messages_have_the_size_and_the_number_asked_for()
    {
        await using var server = await CometServerProcess.StartAsync();
        var produced = await server.RunAsync("produce", "t", "--count", "2000", "--size", "1k", "--compression", "Lz4", "--json");
        var report = Assert.Single(produced.Exits(0).Json);
        Assert.Equal("t", report.GetProperty("topic").GetString());
        Assert.Equal(2_000, report.GetProperty("confirmed").GetInt64());
        Assert.Equal(2_000 * 1_024, report.GetProperty("bytes").GetInt64());
        Assert.True(report.GetProperty("messagesPerSecond").GetDouble() > 0);
        Assert.True(report.GetProperty("seconds").GetDouble() > 0);

        var consumed = (await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", "2000")).Exits(0);
        Assert.Equal(2_000, consumed.Lines.Distinct(StringComparer.Ordinal).Count());
        Assert.All(consumed.Lines, static line => Assert.Equal(1_024, line.Length));
        Assert.StartsWith("1999.", consumed.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_consumer_whose_output_was_closed_ends_and_acks_nothing_that_nobody_got()
    {
        await using var server = await CometServerProcess.StartAsync();
        await using var producer = server.Start("produce", "t");
        await using var consumer = server.Start("consume", "t", "--subscription", "s", "--from", "earliest");
        await SendLineAsync(producer, "one");
        await consumer.Output.WaitForLinesAsync(1);
        consumer.Output.CloseBehindNextRead();
        await SendLineAsync(producer, "two");
        await consumer.Output.Ended.WaitAsync(Limits.Wait);
        await SendLineAsync(producer, "three");

        var result = (await consumer.WaitForExitAsync(closeInput: false)).Exits(1);
        Assert.Equal("one\ntwo\n", result.Output);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        var rest = await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--count", "1");
        Assert.Equal("three\n", rest.Exits(0).Output);
    }

    [Fact]
    public async Task A_line_that_is_too_long_for_a_message_fails_and_what_stood_before_it_is_sent()
    {
        await using var server = await CometServerProcess.StartAsync();
        byte[] input = [.. "one\n"u8, .. Enumerable.Repeat((byte)'x', 2 * 1024 * 1024), .. "\ntwo\n"u8];
        var produced = (await CometProcess.RunWithInputAsync(input, "produce", "t", "--server", server.Address)).Exits(1);
        Assert.StartsWith("comet: the first 1 message(s) are confirmed, no other was sent\ncomet: MessageTooLarge: ", produced.Errors,
            StringComparison.Ordinal);
        var consumed = await server.RunAsync("consume", "t", "--subscription", "s", "--from", "earliest", "--timeout", "300ms");
        Assert.Equal("one\n", consumed.Exits(0).Output);
    }

    private static async Task SendLineAsync(CometProcess producer, string line)
    {
        await producer.Input.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"));
        await producer.Input.FlushAsync();
    }

    [Fact]
    public async Task A_count_takes_no_more_than_it_says_and_the_next_run_goes_on_behind_it()
    {
        await using var server = await CometServerProcess.StartAsync();
        (await CometProcess.RunWithInputAsync("1\n2\n3\n4\n5"u8.ToArray(), "produce", "t", "--server", server.Address)).Exits(0);
        string[] consume = ["consume", "t", "--subscription", "s", "--from", "earliest", "--count"];
        Assert.Equal(["1", "2"], (await server.RunAsync([.. consume, "2"])).Exits(0).Lines);
        Assert.Equal(["3", "4", "5"], (await server.RunAsync([.. consume, "3"])).Exits(0).Lines);
    }
}
