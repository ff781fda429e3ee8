using System.CommandLine;
using System.Globalization;
using Comet.Cli.Output;
using Comet.Client;

namespace Comet.Cli.Commands;

/// <summary>comet replay: stored messages once more, at the speed of choice.</summary>
internal static class ReplayCommand
{
    private static readonly Argument<string> s_topic = new("topic") { Description = "The topic." };
    private static readonly Option<StartPosition> s_from = ValueParsers.Position("--from", "Where it begins.", StartPosition.Earliest);
    private static readonly Option<StartPosition> s_to = ValueParsers.Position(
        "--to", "Where it ends; latest is behind what is stored now.", StartPosition.Latest);
    private static readonly Option<ReplaySpeed> s_speed = new("--speed")
    {
        Description = "How fast: max, original (the gaps that lay between the messages), or a factor such as 10x.",
        HelpName = "speed",
        DefaultValueFactory = static _ => ReplaySpeed.Max,
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (TryParseSpeed(text) is { } speed)
                return speed;
            result.AddError($"'{text}' is no speed: write max, original, or a factor from 0.001x to 1000000x.");
            return default;
        },
    };

    public static Command Create()
    {
        var command = new Command(
            "replay", "Write the stored payloads of a topic on standard output, one to a line, in the order of their append times.")
        {
            s_topic, s_from, s_to, s_speed,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var isJson = arguments.GetValue(GlobalOptions.Json);
        await using var output = new LineOutput();
        await using var client = await GlobalOptions.ConnectAsync(arguments, cancellationToken);
        var speed = arguments.GetValue(s_speed);
        var replay = client.Replay<ReadOnlyMemory<byte>>(
            arguments.GetRequiredValue(s_topic), arguments.GetValue(s_from), arguments.GetValue(s_to)).WithSpeed(speed);
        await foreach (var delivery in replay.ReadAllAsync(cancellationToken))
        {
            MessageLine.Write(output, delivery, isJson);
            // Who watches a replay with its gaps wants to see each message when it comes.
            if (output.IsFull || speed != ReplaySpeed.Max)
                await output.FlushAsync();
        }
        await output.FlushAsync();
        return ExitCode.Done;
    }

    private static ReplaySpeed? TryParseSpeed(string text)
    {
        if (text is "max" or "original")
            return text == "max" ? ReplaySpeed.Max : ReplaySpeed.Original;
        return double.TryParse(text.TrimEnd('x'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var factor)
            && factor is >= 0.001 and <= 1_000_000
            ? ReplaySpeed.Times(factor)
            : null;
    }
}
