using Comet.Wire;

namespace Comet.Server.Tests.Sessions;

/// <summary>Topics are listed page by page, however many there are.</summary>
public sealed class TopicListTests() : BrokerTest(new CometServerOptions { MaxTopics = 100_000 })
{
    [Fact]
    public async Task Fifty_thousand_topics_are_listed_page_by_page()
    {
        const int Topics = 50_000;
        await using var client = await ConnectAsync();
        var names = Enumerable.Range(0, Topics).Select(static i => $"many/{i:D40}").ToList();
        await client.SendAsync(client.EncodeDamaged(
            encoder =>
            {
                foreach (var (i, name) in names.Index())
                    encoder.Add(new CreateTopicFrame(name, 1, false), (ulong)i + 1);
            },
            -1, 0));
        for (var i = 0; i < Topics; i++)
            Assert.Equal(FrameType.Ok, (await client.NextAsync()).Type);
        await client.AskAsync(new CreateTopicFrame("zoo", 1, false));

        // All in one answer is too much, as it was for the clients before.
        Assert.Equal(ErrorCode.LimitExceeded, await client.AskRefusedAsync(new ListTopicsFrame("many/")));
        var found = new List<string>();
        TopicListFrame page;
        do
        {
            page = (await client.AskAsync(new ListTopicsFrame("many/", found.LastOrDefault(), int.MaxValue))).Read<TopicListFrame>();
            Assert.InRange(page.Topics.Count, 1, ListTopicsFrame.MaxLimit);
            found.AddRange(page.Topics.Select(static t => t.Name));
        }
        while (page.HasMore);
        Assert.Equal(names, found);
    }

    [Theory]
    [InlineData("", "", 2, "a a/b more")]
    [InlineData("", "a", 2, "a/b a/c more")]
    [InlineData("", "a/c", 2, "b")]
    [InlineData("", "a/bb", 9, "a/c b")]
    [InlineData("", "b", 2, "")]
    [InlineData("a/", "", 2, "a/b a/c")]
    [InlineData("a/", "a/b", 1, "a/c")]
    [InlineData("a/", "zzz", 1, "")]
    [InlineData("x", "", 1, "")]
    public async Task A_page_begins_behind_the_last_one_and_says_whether_there_are_more(string prefix, string after, int limit, string page)
    {
        await using var client = await ConnectAsync();
        foreach (var name in new[] { "b", "a/c", "a", "a/b" })
            Assert.Equal(FrameType.Ok, (await client.AskAsync(new CreateTopicFrame($"t/{name}", 1, false))).Type);
        var request = new ListTopicsFrame($"t/{prefix}", after.Length == 0 ? null : $"t/{after}", limit);
        var answer = (await client.AskAsync(request)).Read<TopicListFrame>();
        Assert.Equal(page,
            string.Join(' ', [.. answer.Topics.Select(static t => t.Name[2..]), .. answer.HasMore ? ["more"] : (string[])[]]));
    }
}
