namespace Comet.Client.Tests;

/// <summary>Asks the broker until it says what a test waits for; each question is a round trip, so nothing spins and nothing
/// sleeps.</summary>
internal static class Eventually
{
    public static async Task<TopicDescription> TopicAsync(CometClient client, string topic, Func<TopicDescription, bool> condition)
    {
        while (true)
        {
            var description = await client.Topics.DescribeAsync(topic, TestContext.Current.CancellationToken);
            if (condition(description))
                return description;
        }
    }

    public static long Stored(this TopicDescription topic) => topic.Partitions.Sum(static p => p.EndOffset);

    public static long Unacked(this TopicDescription topic) => topic.Subscriptions.Sum(static s => s.Unacked);

    public static long Backlog(this TopicDescription topic) => topic.Subscriptions.Sum(static s => s.Backlog);

    /// <summary>All values of a topic in the order of its partitions, by a reader that begins with the first.</summary>
    public static async Task<List<string>> ReadTopicAsync(CometClient client, string topic)
    {
        var cancelled = TestContext.Current.CancellationToken;
        var count = (await client.Topics.DescribeAsync(topic, cancelled)).Stored();
        await using var reader = await client.CreateReaderAsync<string>(topic, cancellationToken: cancelled);
        var values = new List<string>();
        while (values.Count < count)
            values.Add((await reader.ReceiveAsync(cancelled)).Value);
        return values;
    }
}
