using System.CommandLine;
using System.Globalization;

namespace Comet.Cli;

/// <summary>Options for durations (10s, 500ms, 2m) and sizes (100, 64k, 256m, 1g).</summary>
internal static class ValueParsers
{
    private static readonly (string Suffix, double Factor)[] s_durations = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)];
    private static readonly (string Suffix, double Factor)[] s_sizes = [("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30)];

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
        Description = description,
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
