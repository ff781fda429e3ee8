using System.CommandLine;
using System.Globalization;
using Comet.Cli.Bench;
using Comet.Cli.Output;

namespace Comet.Cli.Commands;

/// <summary>comet bench: measures a broker, by default one of its own in another process.</summary>
internal static class BenchCommand
{
    private static readonly Dictionary<string, Func<BenchContext, Task<BenchResult>>> s_scenarios = new(StringComparer.Ordinal)
    {
        ["ping-pong"] = LatencyScenarios.PingPongAsync,
        ["latency"] = LatencyScenarios.ConfirmAsync,
        ["end-to-end"] = LatencyScenarios.EndToEndAsync,
        ["publish"] = ThroughputScenarios.PublishAsync,
        ["publish-consume"] = ThroughputScenarios.PublishConsumeAsync,
        ["drain"] = ThroughputScenarios.DrainAsync,
        ["shared-8"] = SharingScenarios.SharedAsync,
        ["key-shared-8"] = SharingScenarios.KeySharedAsync,
        ["drain-shared-8"] = SharingScenarios.DrainSharedAsync,
        ["drain-key-shared-8"] = SharingScenarios.DrainKeySharedAsync,
        ["window-of-10"] = ThroughputScenarios.SmallWindowAsync,
        ["10000-in-flight"] = ThroughputScenarios.ManyInFlightAsync,
        ["schedule"] = ScheduleScenarios.ScheduleAsync,
        ["timer"] = ScheduleScenarios.TimerAsync,
        ["schedule-due"] = ScheduleScenarios.DueAsync,
        ["append"] = DiskScenarios.AppendAsync,
        ["drain-disk"] = DiskScenarios.DrainAsync,
    };

    // They take a directory, and the second one minutes.
    private static readonly string[] s_onlyByName = ["append", "drain-disk"];

    private static readonly Argument<string[]> s_names = new("scenario")
    {
        Description = $"What to measure: {string.Join(", ", s_scenarios.Keys)}. Default: all of them "
            + $"but {string.Join(" and ", s_onlyByName)}, which have to be named, with --data.",
        Arity = ArgumentArity.ZeroOrMore,
        HelpName = "scenario",
    };

    private static readonly Option<int[]> s_sizes = new("--size")
    {
        Description = "Payload bytes; may be repeated. Default: 100 and 1024.",
        DefaultValueFactory = static _ => [100, 1024],
    };

    private static readonly Option<double> s_scale = new("--scale")
    {
        Description = "More or fewer messages in each run, for example 0.1.",
        DefaultValueFactory = static _ => 1
    };
    private static readonly Option<int> s_repeat = new("--repeat")
    {
        Description = "How often each throughput is measured; the median is told.",
        DefaultValueFactory = static _ => 5
    };

    private static readonly Option<DirectoryInfo?> s_data = new("--data")
    {
        Description = "Have the broker keep its messages on disk, in a new folder in this directory, which is removed afterwards; every "
            + "confirm then comes from the disk. Default: in memory.",
        HelpName = "directory",
    };

    private static readonly Option<long> s_drain = ValueParsers.Size(
        "--drain", "How large the backlog of drain-disk is. Default: 10 GB; the disk needs room for it.", BenchContext.DefaultDrainBytes);

    public static Command Create()
    {
        s_names.AcceptOnlyFromAmong([.. s_scenarios.Keys]);
        var command = new Command(
            "bench", "Measure throughput and latency against a broker in another process: a new one on a free port, or the one that "
                + "--server names; COMET_SERVER names none here.")
        {
            s_names, s_sizes, s_scale, s_repeat, s_data, s_drain,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var isGiven = arguments.GetResult(GlobalOptions.Server) is { Implicit: false };
        var data = arguments.GetValue(s_data);
        if (isGiven && data is not null)
            throw new UsageException("--data is for a broker of the measurement's own, and --server names another one: give one.");
        CheckNumbers(arguments);
        using var folder = data is null ? null : new BenchFolder(data);
        await using var broker = isGiven ? null : await BrokerProcess.StartAsync(folder, cancellationToken);
        await using var client = broker is null
            ? await GlobalOptions.ConnectAsync(arguments, cancellationToken)
            : await GlobalOptions.ConnectAsync(arguments, [broker.Endpoint], cancellationToken);
        var names = arguments.GetValue(s_names) is { Length: > 0 } given
            ? given
            : [.. s_scenarios.Keys.Except(s_onlyByName, StringComparer.Ordinal)];
        foreach (var size in arguments.GetRequiredValue(s_sizes))
        {
            await MeasureAsync(arguments, new BenchContext(client, broker, size, arguments.GetValue(s_scale), arguments.GetValue(s_repeat))
            {
                Data = folder,
                Stopped = cancellationToken,
                DrainBytes = arguments.GetRequiredValue(s_drain),
                ConnectAsync = endpoint => GlobalOptions.ConnectAsync(arguments, [endpoint], cancellationToken),
            }, names, cancellationToken);
        }
        return ExitCode.Done;
    }

    private static void CheckNumbers(ParseResult arguments)
    {
        foreach (var size in arguments.GetRequiredValue(s_sizes))
        {
            if (size is < 8 or > 1024 * 1024)
                throw new UsageException(string.Create(CultureInfo.InvariantCulture,
                    $"--size {size} is out of range: 8 to 1048576 bytes."));
        }
        if (!(arguments.GetValue(s_scale) is > 0 and <= 1_000_000))
            throw new UsageException("--scale must be more than 0, for example 0.1.");
        if (arguments.GetValue(s_repeat) < 1)
            throw new UsageException("--repeat must be at least 1.");
    }

    private static async Task MeasureAsync(ParseResult arguments, BenchContext context, string[] names, CancellationToken cancellationToken)
    {
        var isJson = arguments.GetValue(GlobalOptions.Json);
        var measured = new Dictionary<string, BenchResult>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            cancellationToken.ThrowIfCancellationRequested();
            BenchResult result;
            await using (new Progress(() => $"measuring {name} with {context.Size} bytes …", isJson))
                result = await s_scenarios[name](context).WaitAsync(cancellationToken);
            measured[name] = result = Compare(result, measured);
            Console.WriteLine(isJson ? CliJson.Line(result, CliJson.Default.BenchResult) : result.ToText());
        }
    }

    /// <summary>Holds a result against the yardstick of the same run, where that was measured before.</summary>
    private static BenchResult Compare(BenchResult result, Dictionary<string, BenchResult> measured) => result.Scenario switch
    {
        "latency" when measured.TryGetValue("ping-pong", out var yardstick) =>
            result with
            {
                TimesPingPong = Ratio(result.P50Microseconds, yardstick.P50Microseconds),
                TimesAppend = measured.TryGetValue("append", out var append)
                    ? Ratio(result.P50Microseconds, append.P50Microseconds + (1.5 * yardstick.P50Microseconds))
                    : null,
            },
        "schedule" when measured.TryGetValue("publish", out var yardstick) =>
            result with { TimesPublish = Ratio(result.RateMedian, yardstick.RateMedian) },
        "key-shared-8" when measured.TryGetValue("shared-8", out var yardstick) =>
            result with { TimesShared = Ratio(result.RateMedian, yardstick.RateMedian) },
        "drain-key-shared-8" when measured.TryGetValue("drain-shared-8", out var yardstick) =>
            result with { TimesShared = Ratio(result.RateMedian, yardstick.RateMedian) },
        "schedule-due" when measured.TryGetValue("timer", out var yardstick) =>
            result with { TimesTimer = Ratio(result.P99Microseconds, yardstick.P99Microseconds) },
        _ => result,
    };

    private static double? Ratio(double? value, double? yardstick) => value is { } v && yardstick is { } y ? Math.Round(v / y, 2) : null;
}
