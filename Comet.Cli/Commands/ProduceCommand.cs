using System.CommandLine;
using System.Globalization;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli.Commands;

/// <summary>comet produce: each line of a file or of standard input, or generated messages.</summary>
internal static class ProduceCommand
{
    // The most that any broker can be told to take.
    private const int MaxMessageBytes = 64 * 1024 * 1024;

    // How long who stops the command waits for the last confirms.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private static readonly Argument<string> s_topic = new("topic")
    {
        Description = "The topic; created on first use where the broker does so."
    };
    private static readonly Option<FileInfo?> s_file = new("--file", "-f")
    {
        Description = "Send each line of this file. Default: of standard input.",
        HelpName = "file"
    };
    private static readonly Option<string?> s_key = new("--key", "-k") { Description = "The key of all messages." };
    private static readonly Option<string[]> s_headers = new("--header", "-H")
    {
        Description = "A header, name=value; may be repeated.",
        DefaultValueFactory = static _ => []
    };
    private static readonly Option<long?> s_count = new("--count", "-n")
    {
        Description = "Send so many generated messages instead of lines."
    };
    private static readonly Option<long> s_size = ValueParsers.Size("--size", "The size of generated messages.", 100);
    private static readonly Option<CompressionType> s_compression = ValueParsers.Choice(
        "--compression", "How batches are compressed:", CompressionType.None);
    private static readonly Option<TimeSpan?> s_timeout = ValueParsers.Duration(
        "--timeout", "Fail when messages wait and none was confirmed for so long. Default: 30s.")
        .Sets(nameof(ProducerOptions<>.SendTimeout));

    private static readonly Option<TimeSpan?> s_delay = ValueParsers.Delay("--delay", "Deliver the messages so long after the start.");
    private static readonly Option<DateTimeOffset?> s_deliverAt = ValueParsers.Time("--deliver-at", "Deliver the messages at this time.");

    private static readonly Option<string?> s_producer = new("--producer-name")
    {
        Description = "The name that deduplication goes by. Default: a random one.",
        HelpName = "name",
    };
    private static readonly Option<long?> s_sequence = new("--first-sequence")
    {
        Description = "The sequence id of the first message, from 0; those behind it count on. What is stored already under the producer's "
            + "name is confirmed and not stored again.",
        HelpName = "id",
    };

    public static Command Create()
    {
        var command = new Command("produce", "Send one message per line. Exits 0 only when all are confirmed.")
        {
            s_topic, s_file, s_key, s_headers, s_count, s_size, s_compression, s_timeout, s_delay, s_deliverAt,
            s_producer, s_sequence,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var template = Template(arguments);
        await using var input = arguments.GetValue(s_count) is null ? OpenInput(arguments) : Stream.Null;
        await using var client = await GlobalOptions.ConnectAsync(arguments, cancellationToken);
        var options = new ProducerOptions<ReadOnlyMemory<byte>>
        {
            Compression = arguments.GetValue(s_compression), ProducerName = arguments.GetValue(s_producer),
        };
        options = options with { SendTimeout = arguments.GetValue(s_timeout) ?? options.SendTimeout };
        var sequence = arguments.GetValue(s_sequence);
        await using var producer = await client.CreateProducerAsync(arguments.GetRequiredValue(s_topic), options, cancellationToken);
        var (sent, bytes) = (0L, 0L);
        using var stall = new StallWatch(
            options.SendTimeout, () => (producer.PendingMessages, Volatile.Read(ref sent) - producer.PendingMessages), cancellationToken);
        var start = TimeProvider.System.GetTimestamp();
        await using (new Progress(() => $"{Progress.Count(sent - producer.PendingMessages)} confirmed",
            arguments.GetValue(GlobalOptions.Json)))
        {
            async ValueTask SendAsync(ReadOnlyMemory<byte> payload)
            {
                await stall.GuardAsync(producer.EnqueueAsync(
                    template with { Value = payload, SequenceId = sequence + sent }, stall.Token));
                sent++;
                bytes += payload.Length;
            }

            try
            {
                if (arguments.GetValue(s_count) is { } count)
                    await GenerateAsync(count, arguments.GetValue(s_size), SendAsync);
                else
                    await LineReader.ReadAllAsync(input, MaxMessageBytes, SendAsync, cancellationToken);
                await producer.FlushAsync(cancellationToken);
            }
            // One about time says it itself.
            catch (Exception e) when (e is not CometException { Code: ErrorCode.Timeout })
            {
                await TellPartAsync(producer, sent, arguments.GetValue(GlobalOptions.Json));
                throw;
            }
        }
        Report(arguments, sent, producer.DuplicateMessages, bytes, TimeProvider.System.GetElapsedTime(start));
        return ExitCode.Done;
    }

    /// <summary>Says how many messages are in when not all are, so that who sends the rest knows where it begins.</summary>
    private static async Task TellPartAsync(Producer<ReadOnlyMemory<byte>> producer, long sent, bool isJson)
    {
        using var patience = new CancellationTokenSource(s_patience, TimeProvider.System);
        try
        {
            await producer.FlushAsync(patience.Token);
        }
        catch (Exception e) when (e is CometException or OperationCanceledException)
        {
            // The broker is gone, or takes nothing more: what is confirmed by now is what is known.
        }
        var confirmed = sent - producer.PendingMessages;
        Note.Write(confirmed == sent
            ? $"the first {Progress.Count(confirmed)} message(s) are confirmed, no other was sent"
            : $"{Progress.Count(confirmed)} of {Progress.Count(sent)} message(s) are confirmed; the others may be stored or not", isJson);
    }

    private static OutgoingMessage<ReadOnlyMemory<byte>> Template(ParseResult arguments)
    {
        if (arguments.GetValue(s_count) is { } count && (count < 0 || arguments.GetValue(s_file) is not null))
            throw new UsageException(count < 0 ? "--count must not be negative."
                : "--count generates messages and --file reads them: give one of the two.");
        if (arguments.GetValue(s_sequence) is { } sequence && (sequence < 0 || arguments.GetValue(s_producer) is null))
            throw new UsageException("--first-sequence is from 0 up, and counts under the name that --producer-name gives.");
        if (arguments.GetValue(s_size) is var size && size > MaxMessageBytes)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture,
                $"--size {size} is out of range: 0 to {MaxMessageBytes} bytes."));
        MessageHeaders? headers = null;
        foreach (var text in arguments.GetRequiredValue(s_headers))
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw new UsageException($"'{text}' is not a header: write name=value.");
            if (headers?.TryGetValue(text[..equals], out _) == true)
                throw new UsageException($"The header '{text[..equals]}' is given more than once: give each name one value.");
            (headers ??= []).Add(text[..equals], text[(equals + 1)..]);
        }
        var deliverAt = ScheduleCommand.DeliveryTime(arguments.GetValue(s_delay), arguments.GetValue(s_deliverAt));
        return new(default) { Key = arguments.GetValue(s_key), Headers = headers, DeliverAt = deliverAt };
    }

    private static Stream OpenInput(ParseResult arguments)
    {
        if (arguments.GetValue(s_file) is not { } file)
            return Console.OpenStandardInput();
        if (!file.Exists)
            throw new UsageException($"There is no file '{file.FullName}'.");
        return file.OpenRead();
    }

    private static async Task GenerateAsync(long count, long size, Func<ReadOnlyMemory<byte>, ValueTask> sendAsync)
    {
        var payload = new byte[size];
        Array.Fill(payload, (byte)'.');
        for (var i = 0L; i < count; i++)
        {
            // A number at the front tells the messages apart.
            i.TryFormat(payload, out _, "D", CultureInfo.InvariantCulture);
            await sendAsync(payload);
        }
    }

    private static void Report(ParseResult arguments, long sent, long duplicates, long bytes, TimeSpan elapsed)
    {
        var seconds = Math.Max(elapsed.TotalSeconds, 1e-6);
        var report = new ProduceReport(arguments.GetRequiredValue(s_topic), sent, duplicates, bytes, Math.Round(seconds, 6),
            Math.Round(sent / seconds));
        Console.WriteLine(arguments.GetValue(GlobalOptions.Json)
            ? CliJson.Line(report, CliJson.Default.ProduceReport)
            : string.Create(CultureInfo.InvariantCulture,
                $"{sent:N0} messages confirmed in {seconds:N3} s: {sent / seconds:N0} messages/s, {bytes / seconds / 1e6:N1} MB/s"
                    + $"{(duplicates == 0 ? "" : $"; {Progress.Count(duplicates)} of them were stored already")}"));
    }
}

/// <summary>What was produced.</summary>
internal sealed record ProduceReport(
    string Topic, long Confirmed, long Duplicates, long Bytes, double Seconds, double MessagesPerSecond);
