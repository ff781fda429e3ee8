namespace Comet.Client.Tests.Administration;

public class TopicListTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task More_topics_than_a_page_holds_are_listed_all_in_the_order_of_their_names()
    {
        await using var comet = await Embedded.StartAsync();
        var names = Enumerable.Range(0, Wire.ListTopicsFrame.MaxLimit + 100).Select(static i => $"many/{i:D5}").ToList();
        await Task.WhenAll(names.Append("other").Select(name => comet.Client.Topics.CreateAsync(name, cancellationToken: Cancelled)));
        Assert.Equal(names, (await comet.Client.Topics.ListAsync("many/", Cancelled)).Select(static t => t.Name));
        Assert.Equal([.. names, "other"], (await comet.Client.Topics.ListAsync(null, Cancelled)).Select(static t => t.Name));
        Assert.Empty(await comet.Client.Topics.ListAsync("none/", Cancelled));
    }
}
