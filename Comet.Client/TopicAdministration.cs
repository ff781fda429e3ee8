using Comet.Client.Connections;
using Comet.Wire;

namespace Comet.Client;

/// <summary>Creates, changes, lists, describes and deletes topics. Thread-safe; each call is bounded by the client's
/// OperationTimeout.</summary>
public sealed class TopicAdministration
{
    private readonly Link _link;

    internal TopicAdministration(Link link) => _link = link;

    /// <summary>Creates a topic.</summary>
    /// <param name="topic">Its name, see <see cref="Names"/>.</param>
    /// <param name="partitions">How many partitions it has; 0: as many as the broker gives by default.</param>
    /// <param name="ifNotExists">True: a topic of that name is left as it is, its policy too, and no error.</param>
    /// <param name="policy">What it keeps, and for how long. Null: <see cref="TopicPolicy.Default"/>.</param>
    /// <param name="cancellationToken">Ends the wait; the topic may be created.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicAlreadyExists"/>, <see cref="ErrorCode.InvalidName"/>,
    /// <see cref="ErrorCode.InvalidArgument"/>, <see cref="ErrorCode.LimitExceeded"/>, or the broker cannot be reached.</exception>
    public async Task CreateAsync(
        string topic, int partitions = 0, bool ifNotExists = false, TopicPolicy? policy = null,
        CancellationToken cancellationToken = default)
    {
        var checkedPolicy = policy is null ? null : TopicUpdate.From(policy.Validated());
        await _link.RequestAsync<CreateTopicFrame, OkFrame>(
            new(Names.Require(topic, "topic"), partitions, ifNotExists, checkedPolicy), null, cancellationToken);
    }

    /// <summary>Changes a topic while it is in use. When it completes, every partition goes by the new policy; producers and consumers find
    /// new partitions by themselves, a moment later.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="update">What to change; the rest stays as it is.</param>
    /// <param name="cancellationToken">Ends the wait; the topic may be changed.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, <see cref="ErrorCode.InvalidArgument"/> (a value that
    /// cannot be, or fewer partitions than there are), <see cref="ErrorCode.Unsupported"/>, or the broker cannot be reached.</exception>
    public async Task UpdateAsync(string topic, TopicUpdate update, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(update);
        update.ApplyTo(TopicPolicy.Default).Validated();
        await _link.RequestAsync<UpdateTopicFrame, OkFrame>(new(Names.Require(topic, "topic"), update), null, cancellationToken);
    }

    /// <summary>Deletes a topic with all its messages and subscriptions; its producers and consumers are faulted with
    /// <see cref="ErrorCode.TopicDeleted"/>.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, or the broker cannot be reached.</exception>
    public Task DeleteAsync(string topic, CancellationToken cancellationToken = default) =>
        _link.RequestAsync<DeleteTopicFrame, OkFrame>(new(Names.Require(topic, "topic")), null, cancellationToken);

    /// <summary>The topics whose names begin with a prefix, in the order of their names. Thousands of them come page by page: what is
    /// created or deleted meanwhile may or may not be among them.</summary>
    /// <param name="prefix">Null: all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CometException">The broker cannot be reached.</exception>
    public async Task<IReadOnlyList<TopicSummary>> ListAsync(string? prefix = null, CancellationToken cancellationToken = default)
    {
        var topics = new List<TopicSummary>();
        TopicListFrame page;
        do
        {
            page = await _link.RequestAsync<ListTopicsFrame, TopicListFrame>(
                new(prefix, topics.Count == 0 ? null : topics[^1].Name, ListTopicsFrame.MaxLimit), null, cancellationToken);
            topics.AddRange(page.Topics);
        }
        while (page is { HasMore: true, Topics.Count: > 0 });
        return topics;
    }

    /// <summary>What the broker knows about a topic now.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, or the broker cannot be reached.</exception>
    public async Task<TopicDescription> DescribeAsync(string topic, CancellationToken cancellationToken = default) =>
        (await _link.RequestAsync<DescribeTopicFrame, TopicInfoFrame>(new(Names.Require(topic, "topic")), null, cancellationToken)).Topic;

    /// <summary>How many partitions a topic has, and a watch that tells when there are more; the caller disposes it.</summary>
    internal async Task<(TopicWatch Watch, int PartitionCount)> LookUpAsync(string topic, CancellationToken cancellationToken)
    {
        var watch = _link.Topics.Watch(Names.Require(topic, "topic"));
        try
        {
            var location = await _link.RequestAsync<LookupTopicFrame, TopicLocationFrame>(new(topic, true), null, cancellationToken);
            return (watch, location.PartitionCount);
        }
        catch
        {
            watch.Dispose();
            throw;
        }
    }
}
