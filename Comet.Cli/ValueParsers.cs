using System.CommandLine;
using System.Globalization;

namespace Comet.Cli;

/// <summary>Options for durations (10s, 500ms, 2m, 7d), sizes (100, 64k, 256MiB, 1GiB) and positions (earliest, 1200, 2h).</summary>
internal static class ValueParsers
{
    private static readonly (string Suffix, double Factor)[] s_durations = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)];
    private static readonly (string Suffix, double Factor)[] s_sizes =
    [
        ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("tib", 1L << 40), ("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30),
    ];

    /// <summary>What the help says about a duration without a unit.</summary>
    public const string BareNumber = "A number without a unit is seconds.";

    public static Option<TimeSpan?> Duration(string name, string description) => Duration(name, description, TimeSpan.FromDays(24));

    /// <summary>A duration as long as a message may wait.</summary>
    public static Option<TimeSpan?> Delay(string name, string description) => Duration(name, description, TimeSpan.FromDays(3653));

    /// <summary>A time in ISO 8601; without an offset it is UTC.</summary>
    public static Option<DateTimeOffset?> Time(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "time",
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
                return time;
            result.AddError($"'{text}' is not a time: write for example 2030-01-01T08:00:00Z.");
            return null;
        },
    };

    private static Option<TimeSpan?> Duration(string name, string description, TimeSpan longest) => new(name)
    {
        Description = $"{description} {BareNumber}",
        HelpName = "duration",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (TryParse(text, s_durations, 1, out var seconds) && seconds <= longest.TotalSeconds)
                return TimeSpan.FromSeconds(seconds);
            result.AddError($"'{text}' is not a duration: write for example 500ms, 10s, 2m or 1h.");
            return null;
        },
    };

    /// <summary>One of the names of an enum, in any case; a number is none.</summary>
    public static Option<T> Choice<T>(string name, string description, T defaultValue)
        where T : struct, Enum
    {
        var names = Enum.GetNames<T>().Select(static n => n.ToLowerInvariant()).ToArray();
        var list = $"{string.Join(", ", names[..^1])} or {names[^1]}";
        return new(name)
        {
            Description = $"{description} {list}.",
            HelpName = string.Join('|', names),
            DefaultValueFactory = _ => defaultValue,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (names.Contains(text, StringComparer.OrdinalIgnoreCase))
                    return Enum.Parse<T>(text, ignoreCase: true);
                result.AddError($"{name}: '{text}' is not one of them: write {list}.");
                return default;
            },
        };
    }

    public static Option<long> Size(string name, string description, long defaultValue) => new(name)
    {
        Description = description,
        HelpName = "bytes",
        DefaultValueFactory = _ => defaultValue,
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (TryParse(text, s_sizes, 1, out var bytes) && bytes < long.MaxValue)
                return (long)bytes;
            result.AddError($"'{text}' is not a size: write for example 100, 64k, 256m or 1g.");
            return 0;
        },
    };

    /// <summary>Where in a topic: earliest, latest, an offset, a time, or how long ago. Without a default it has to be given: an option
    /// that is required and has a default is taken as given by the parser.</summary>
    public static Option<StartPosition> Position(string name, string description, StartPosition? defaultValue) => new(name)
    {
        Description = $"{description} One of earliest, latest, an offset such as 1200, a time such as 2026-01-31T08:00Z, or how long ago, "
            + "such as 2h.",
        HelpName = "position",
        Required = defaultValue is null,
        DefaultValueFactory = defaultValue is { } value ? _ => value : null,
        CustomParser = static result =>
        {
            var text = result.Tokens[0].Value;
            if (TryParsePosition(text, TimeProvider.System, out var position))
                return position;
            result.AddError($"'{text}' is no position: write earliest, latest, an offset such as 1200, a time such as "
                + "2026-01-31T08:00Z, or how long ago, such as 2h.");
            return default;
        },
    };

    public static bool TryParsePosition(string text, TimeProvider time, out StartPosition position)
    {
        position = StartPosition.Latest;
        if (text is "earliest" or "latest" or "now")
        {
            position = text == "earliest" ? StartPosition.Earliest : StartPosition.Latest;
            return true;
        }
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
        {
            position = StartPosition.FromOffset(offset);
            return true;
        }
        if (TryParseDuration(text, out var ago))
        {
            position = StartPosition.FromTime(time.GetUtcNow() - ago);
            return true;
        }
        if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment))
            return false;
        position = StartPosition.FromTime(moment);
        return true;
    }

    /// <summary>Parses a duration of up to 36,525 days, for example 500ms, 10s, 2m, 1h or 7d.</summary>
    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        duration = default;
        if (!TryParse(text, s_durations, 1, out var seconds) || seconds > TimeSpan.FromDays(36_525).TotalSeconds)
            return false;
        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }

    /// <summary>Parses a size, for example 100, 64k, 256MiB or 1GiB.</summary>
    public static bool TryParseSize(string text, out long bytes)
    {
        bytes = 0;
        if (!TryParse(text, s_sizes, 1, out var value) || value >= long.MaxValue)
            return false;
        bytes = (long)value;
        return true;
    }

    private static bool TryParse(string text, (string Suffix, double Factor)[] suffixes, double factor, out double value)
    {
        var number = text;
        foreach (var (suffix, suffixFactor) in suffixes)
        {
            if (!text.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
                continue;
            number = text[..^suffix.Length];
            factor = suffixFactor;
            break;
        }
        if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value))
            return false;
        value *= factor;
        return true;
    }
}
