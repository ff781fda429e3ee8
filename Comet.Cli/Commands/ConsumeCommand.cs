using System.CommandLine;
using System.Text;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli.Commands;

/// <summary>comet consume: payloads to standard output, each acked (or given back, or up) after it was written.</summary>
internal static class ConsumeCommand
{
    // Written and acked together; small enough that an interrupted run repeats little.
    private const int MaxGroup = 1_000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private static readonly Argument<string> s_topic = new("topic")
    {
        Description = "The topic; created on first use where the broker does so."
    };
    private static readonly Option<string> s_subscription = new("--subscription")
    {
        Description = "The subscription; created on first use.",
        Required = true
    };
    private static readonly Option<long?> s_count = new("--count", "-n") { Description = "End after so many messages." };
    private static readonly Option<TimeSpan?> s_timeout = ValueParsers.Duration("--timeout",
        "End when no message came for so long, for example 10s. Default: never.");

    public static Command Create()
    {
        var command = new Command(
            "consume", "Write one payload per line on standard output. Exits 0, or 3 when --count messages did not come.")
        {
            s_topic, s_subscription, s_count, s_timeout,
        };
        foreach (var option in (Option[])[.. ConsumerFlags.All, .. SettleFlags.All])
            command.Options.Add(option);
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var settle = SettleFlags.Read(arguments);
        var count = arguments.GetValue(s_count);
        if (count is < 0)
            throw new UsageException("--count must not be negative.");
        await using var client = await GlobalOptions.ConnectAsync(arguments, cancellationToken);
        var (topic, subscription) = (arguments.GetRequiredValue(s_topic), arguments.GetRequiredValue(s_subscription));
        await ConsumerFlags.TellBeginningAsync(client, arguments, topic, subscription, cancellationToken);
        await using var consumer = await client.SubscribeAsync(topic, subscription,
            ConsumerFlags.Read(arguments, count), cancellationToken);
        var written = await CopyAsync(consumer, arguments, count ?? long.MaxValue, settle, cancellationToken);
        await FlushAcksAsync(consumer, cancellationToken);
        if (count is not { } wanted || written >= wanted)
            return ExitCode.Done;
        if (!cancellationToken.IsCancellationRequested)
        {
            Note.Write($"{written} of {wanted} messages came; 'comet explain {topic} {subscription}' tells why no more did",
                arguments.GetValue(GlobalOptions.Json));
        }
        return ExitCode.CountNotReached;
    }

    /// <summary>Waits until what was written is acked; once the command was told to stop, not for long.</summary>
    private static async Task FlushAcksAsync(Consumer<ReadOnlyMemory<byte>> consumer, CancellationToken stopped)
    {
        try
        {
            await consumer.FlushAcksAsync(stopped);
        }
        catch (OperationCanceledException) when (stopped.IsCancellationRequested)
        {
            using var patience = new CancellationTokenSource(s_patience, TimeProvider.System);
            try
            {
                await consumer.FlushAcksAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new CometException(
                    ErrorCode.Timeout,
                    $"The broker did not confirm the last acks within {s_patience.TotalSeconds:0} s; what was written last may come "
                        + "again.");
            }
        }
    }

    private static async Task<long> CopyAsync(
        Consumer<ReadOnlyMemory<byte>> consumer, ParseResult arguments, long count,
        Func<Delivery<ReadOnlyMemory<byte>>, ValueTask> settle, CancellationToken cancellationToken)
    {
        var isJson = arguments.GetValue(GlobalOptions.Json);
        await using var output = new LineOutput();
        var timeout = arguments.GetValue(s_timeout);
        var group = new List<Delivery<ReadOnlyMemory<byte>>>();
        var written = 0L;
        while (written < count && await NextAsync(consumer, timeout, cancellationToken) is { } next)
        {
            MessageLine.Write(output, next, isJson);
            group.Add(next);
            while (group.Count < MaxGroup && written + group.Count < count && consumer.TryReceive(out var more))
            {
                MessageLine.Write(output, more, isJson);
                group.Add(more);
            }
            await output.FlushAsync();
            foreach (var delivery in group)
                await settle(delivery);
            written += group.Count;
            group.Clear();
        }
        return written;
    }

    /// <summary>The next delivery; null when it is time to end.</summary>
    private static async Task<Delivery<ReadOnlyMemory<byte>>?> NextAsync(
        Consumer<ReadOnlyMemory<byte>> consumer, TimeSpan? timeout, CancellationToken cancellationToken)
    {
        if (consumer.TryReceive(out var arrived))
            return arrived;
        using var quiet = new CancellationTokenSource(timeout ?? Timeout.InfiniteTimeSpan, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(quiet.Token, cancellationToken);
        try
        {
            return await consumer.ReceiveAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}

/// <summary>A received message as JSON. A payload that is no UTF-8 stands in payloadBase64.</summary>
internal sealed record MessageLine(
    string Id, string? Key, Dictionary<string, string>? Headers, DateTimeOffset PublishTime, DateTimeOffset AppendTime, int DeliveryCount,
        string? Payload, string? PayloadBase64)
{
    /// <summary>Writes a message as a line: its payload, or JSON.</summary>
    public static void Write(LineOutput output, Delivery<ReadOnlyMemory<byte>> delivery, bool isJson)
    {
        if (isJson)
            output.Write(CliJson.Line(From(delivery), CliJson.Default.MessageLine));
        else
            output.Write(delivery.Payload.Span);
    }

    private static MessageLine From(Delivery<ReadOnlyMemory<byte>> delivery)
    {
        var text = PayloadText.TryDecode(delivery.Payload.Span);
        var headers = delivery.Headers;
        return new MessageLine(
            delivery.Id.ToString(), delivery.Key,
            headers.Count == 0 ? null : headers.GroupBy(static h => h.Key, StringComparer.Ordinal).ToDictionary(static g => g.Key,
                static g => Encoding.UTF8.GetString(g.First().Value.Span), StringComparer.Ordinal),
            delivery.PublishTime, delivery.AppendTime, delivery.DeliveryCount, text, text is null
                ? Convert.ToBase64String(delivery.Payload.Span) : null);
    }
}
