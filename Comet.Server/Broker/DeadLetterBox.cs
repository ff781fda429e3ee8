using Comet.Server.Storage;

namespace Comet.Server.Broker;

/// <summary>A message that was delivered too often, or that its consumer has given up.</summary>
/// <param name="Source">The subscription.</param>
/// <param name="Topic">The topic it comes from.</param>
/// <param name="Partition">The number of the partition there.</param>
/// <param name="Offset">Its offset there.</param>
/// <param name="DeliveryCount">How often it was delivered.</param>
/// <param name="Reason">Why it is here.</param>
/// <param name="Time">When that was, in microseconds since the Unix epoch.</param>
/// <param name="Batch">A batch of this one message.</param>
internal sealed record DeadLetter(
    Subscription Source, string Topic, int Partition, long Offset, int DeliveryCount, DeadLetterReason Reason, long Time, byte[] Batch);

/// <summary>Why a message is a dead letter.</summary>
/// <param name="IsGivenUp">Whether a consumer gave it up; otherwise it was delivered too often.</param>
/// <param name="Text">What the consumer said, or how else it came back.</param>
internal readonly record struct DeadLetterReason(bool IsGivenUp, string Text);

/// <summary>What became of a dead letter: no error when its topic has confirmed it.</summary>
internal sealed record DeadLetterAnswer(DeadLetter Letter, string? Error);

/// <summary>Takes dead letters to their topic. Answers each by <see cref="CommandKind.DeadLetterAnswered"/>, at once or later.</summary>
internal interface IDeadLetterPort
{
    void HandOver(string topic, IReadOnlyList<DeadLetter> letters, Action<PartitionCommand> answer);
}

/// <summary>A subscription's messages that are on their way to the dead-letter topic. A message leaves the subscription when the topic has
/// confirmed it; while the topic refuses, it is tried again, ever more slowly.</summary>
internal sealed class DeadLetterBox(Subscription subscription)
{
    private const int MaxUnderWay = 256;
    private const long FirstRetry = 100_000;
    private const long LastRetry = 10_000_000;

    private readonly Queue<(long Offset, DeadLetterReason Reason, long Time)> _waiting = new();
    private int _underWay;
    private long _retryDelay;
    private long _retryAt;

    /// <summary>Why the topic does not take them; null when it does.</summary>
    public string? Error { get; private set; }

    /// <summary>When to try again; <see cref="long.MaxValue"/> when there is no need.</summary>
    public long NextDue => _waiting.Count > 0 && _retryAt > 0 ? _retryAt : long.MaxValue;

    public void Add(OffsetRange range, DeadLetterReason reason, long now)
    {
        for (var offset = range.First; offset <= range.Last; offset++)
            _waiting.Enqueue((offset, reason, now));
    }

    /// <summary>Hands over what waits, but for so much that is under way and while it is not yet time to try again.</summary>
    public void HandOver(Partition partition, IPartitionLog log, BatchCutter cutter, IDeadLetterPort port, long now)
    {
        if (_waiting.Count == 0 || now < _retryAt || (_retryAt > 0 && _underWay > 0))
            return;
        _retryAt = 0;
        var letters = new List<DeadLetter>();
        while (_underWay < MaxUnderWay && _waiting.TryDequeue(out var next))
        {
            var state = subscription.StateOf(next.Offset);
            if (state.Stage != MessageStage.DeadLettering)
                continue;
            if (!log.TryRead(next.Offset, out var batch) || batch.BaseOffset > next.Offset)
            {
                subscription.Skip(new(next.Offset, next.Offset));
                continue;
            }
            _underWay++;
            letters.Add(new(subscription, partition.Topic, partition.Number, next.Offset, state.DeliveryCount, next.Reason, next.Time,
                cutter.Cut(batch, new(next.Offset, next.Offset)).ToArray()));
        }
        if (letters.Count > 0)
            port.HandOver(subscription.Settings.DeadLetterTopic!, letters, partition.Inbox!);
    }

    public void Answered(DeadLetterAnswer answer, long now)
    {
        _underWay--;
        var letter = answer.Letter;
        Error = answer.Error;
        if (answer.Error is null)
        {
            _retryDelay = 0;
            if (subscription.StateOf(letter.Offset).Stage == MessageStage.DeadLettering)
                subscription.Ack(new(letter.Offset, letter.Offset));
            return;
        }
        _waiting.Enqueue((letter.Offset, letter.Reason, letter.Time));
        if (_retryAt > now)
            return;
        _retryDelay = Math.Clamp(_retryDelay * 2, FirstRetry, LastRetry);
        _retryAt = now + _retryDelay;
    }

    public void Clear() => _waiting.Clear();
}
