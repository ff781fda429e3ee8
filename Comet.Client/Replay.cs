using System.Runtime.CompilerServices;
using Comet.Client.Connections;
using Comet.Client.Consuming;
using Comet.Client.Replaying;

namespace Comet.Client;

/// <summary>Messages of a topic that were stored before, once more: from one position up to another, in the order of their append times
/// over all partitions. Made by <see cref="CometClient.Replay{T}"/>.</summary>
/// <typeparam name="T">What is read.</typeparam>
/// <remarks>
/// Each enumeration is a replay of its own and leaves nothing on the broker. It ends by itself: its end is set when it begins, so that
/// what is published meanwhile does not come into it. Messages of one partition come in its order; between partitions the append times
/// decide, which are one broker's clock. Acking or giving back a delivery does nothing. It reads ahead by a bounded window, however slow
/// the program is. What retention drops meanwhile is left out.
/// </remarks>
public sealed class Replay<T>
{
    private readonly Link _link;
    private readonly TopicAdministration _topics;
    private readonly IMessageSerializer<T> _serializer;

    internal Replay(
        Link link, TopicAdministration topics, IMessageSerializer<T> serializer, string topic, StartPosition from, StartPosition to)
    {
        (_link, _topics, _serializer) = (link, topics, serializer);
        (Topic, From, To) = (topic, from, to);
    }

    /// <summary>The topic.</summary>
    public string Topic { get; }

    /// <summary>Where it begins.</summary>
    public StartPosition From { get; }

    /// <summary>Where it ends: before what a reader would begin with that starts there.</summary>
    public StartPosition To { get; }

    /// <summary>How fast it goes. Default: <see cref="ReplaySpeed.Max"/>.</summary>
    public ReplaySpeed Speed { get; private init; } = ReplaySpeed.Max;

    /// <summary>The same replay at another speed.</summary>
    public Replay<T> WithSpeed(ReplaySpeed speed) => new(_link, _topics, _serializer, Topic, From, To) { Speed = speed };

    /// <summary>All messages of it; each call begins anew.</summary>
    /// <param name="cancellationToken">Ends it with <see cref="OperationCanceledException"/>, waits for its pace included.</param>
    /// <exception cref="CometException"><see cref="ErrorCode.TopicNotFound"/>, <see cref="ErrorCode.TopicDeleted"/>, or what a reader
    /// would be faulted with; a lost connection is replaced, and the replay goes on.</exception>
    public async IAsyncEnumerable<Delivery<T>> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var pace = new ReplayPace(Speed, _link.Options.TimeProvider);
        await using var merge = new ReplayMerge<T>();
        foreach (var stretch in await FindStretchesAsync(cancellationToken))
            await merge.AddAsync(await OpenAsync(stretch, cancellationToken), cancellationToken);
        while (await merge.NextAsync(cancellationToken) is { } delivery)
        {
            await pace.WaitAsync(delivery.AppendTime, cancellationToken);
            yield return delivery;
        }
    }

    private async Task<IReadOnlyList<ReplayStretch>> FindStretchesAsync(CancellationToken cancellationToken)
    {
        var description = await _topics.DescribeAsync(Topic, cancellationToken);
        var count = description.Partitions.Count;
        return [.. description.Partitions.Select(p => ReplayStretch.UpTo(To, p, count))];
    }

    private async Task<ReplaySource<T>> OpenAsync(ReplayStretch stretch, CancellationToken cancellationToken)
    {
        var options = new ReaderOptions<T> { StartPosition = From };
        var settings = ConsumerSettings.From(Topic, options with
        {
            ReceiveWindowMessages = Math.Max(1, options.ReceiveWindowMessages / stretch.Share),
            ReceiveWindowBytes = Math.Max(1024, options.ReceiveWindowBytes / stretch.Share),
        });
        var core = new ConsumerCore(_link, settings, [(Topic, 1, null)], _serializer, stretch.Partition);
        await core.StartAsync(cancellationToken);
        return new ReplaySource<T>(core, stretch);
    }
}

/// <summary>How fast a replay goes.</summary>
public readonly record struct ReplaySpeed
{
    private readonly double _factor;

    private ReplaySpeed(double factor) => _factor = factor;

    /// <summary>With the gaps that lay between the messages when they were appended.</summary>
    public static ReplaySpeed Original => Times(1);

    /// <summary>Without waiting: as fast as the messages arrive and the program takes them.</summary>
    public static ReplaySpeed Max => new(double.PositiveInfinity);

    /// <summary>How many times faster than the original; 1 for <see cref="Original"/>, which is also the default value.</summary>
    public double Factor => _factor == 0 ? 1 : _factor;

    /// <summary>So many times faster than the original; below 1: slower.</summary>
    /// <param name="factor">From 0.001 to 1,000,000.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is out of that range.</exception>
    public static ReplaySpeed Times(double factor)
    {
        if (factor is not (>= 0.001 and <= 1_000_000))
            throw new ArgumentOutOfRangeException(nameof(factor), factor, "A speed is from 0.001 to 1,000,000 times the original.");
        return new(factor);
    }

    /// <inheritdoc/>
    public override string ToString() => double.IsPositiveInfinity(Factor)
        ? "max"
        : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Factor}x");
}
