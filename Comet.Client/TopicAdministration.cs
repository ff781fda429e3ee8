using Comet.Client.Connections;
using Comet.Wire;

namespace Comet.Client;

/// <summary>Creates, lists, describes and deletes topics. Thread-safe; each call is bounded by the client's OperationTimeout.</summary>
public sealed class TopicAdministration
{
    private readonly Link _link;

    internal TopicAdministration(Link link) => _link = link;

    /// <summary>Creates a topic.</summary>
    /// <param name="topic">Its name, see <see cref="Names"/>.</param>
    /// <param name="partitions">How many partitions it has; 0: as many as the broker gives by default.</param>
    /// <param name="ifNotExists">True: a topic of that name is left as it is, and no error.</param>
    /// <param name="cancellationToken">Ends the wait; the topic may be created.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicAlreadyExists"/>, <see cref="ErrorCode.InvalidName"/>,
    /// <see cref="ErrorCode.InvalidArgument"/>, <see cref="ErrorCode.LimitExceeded"/>, or the broker cannot be reached.</exception>
    public Task CreateAsync(string topic, int partitions = 0, bool ifNotExists = false, CancellationToken cancellationToken = default) =>
        _link.RequestAsync<CreateTopicFrame, OkFrame>(new(Names.Require(topic, "topic"), partitions, ifNotExists), null, cancellationToken);

    /// <summary>Deletes a topic with all its messages and subscriptions; its producers and consumers are faulted with
    /// <see cref="ErrorCode.TopicDeleted"/>.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, or the broker cannot be reached.</exception>
    public Task DeleteAsync(string topic, CancellationToken cancellationToken = default) =>
        _link.RequestAsync<DeleteTopicFrame, OkFrame>(new(Names.Require(topic, "topic")), null, cancellationToken);

    /// <summary>The topics whose names begin with a prefix, in the order of their names.</summary>
    /// <param name="prefix">Null: all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="CometException">The broker cannot be reached.</exception>
    public async Task<IReadOnlyList<TopicSummary>> ListAsync(string? prefix = null, CancellationToken cancellationToken = default) =>
        (await _link.RequestAsync<ListTopicsFrame, TopicListFrame>(new(prefix), null, cancellationToken)).Topics;

    /// <summary>What the broker knows about a topic now.</summary>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, or the broker cannot be reached.</exception>
    public async Task<TopicDescription> DescribeAsync(string topic, CancellationToken cancellationToken = default) =>
        (await _link.RequestAsync<DescribeTopicFrame, TopicInfoFrame>(new(Names.Require(topic, "topic")), null, cancellationToken)).Topic;

    internal async Task<int> LookUpAsync(string topic, CancellationToken cancellationToken) =>
        (await _link.RequestAsync<LookupTopicFrame,
            TopicLocationFrame>(new(Names.Require(topic, "topic"), true), null, cancellationToken)).PartitionCount;
}
