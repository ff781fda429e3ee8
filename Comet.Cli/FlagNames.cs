using System.CommandLine;
using System.CommandLine.Parsing;

namespace Comet.Cli;

/// <summary>The flags of the command line in place of the properties that they set: who has typed --segment-size has never heard of
/// MaxSegmentLength.</summary>
internal static class FlagNames
{
    private const string CannotParse = "Cannot parse argument ";

    private static readonly Dictionary<Option, string> s_properties = [];

    /// <summary>Says which property of the options in code this one sets.</summary>
    public static Option<T> Sets<T>(this Option<T> option, string property)
    {
        s_properties.Add(option, property);
        return option;
    }

    /// <summary>What a check of values in code says, about the flags and with the values as they were typed.</summary>
    public static string Explain(ParseResult arguments, ArgumentException exception)
    {
        var text = exception.Message.Replace($" (Parameter '{exception.ParamName}')", "", StringComparison.Ordinal);
        foreach (var option in arguments.CommandResult.Command.Options)
        {
            if (s_properties.TryGetValue(option, out var property))
                text = Rename(text, property, option.Name, Typed(arguments, option));
        }
        return text;
    }

    /// <summary>What the parser says, with the kind of value that is wanted in place of the type that it would become.</summary>
    public static string Explain(ParseError error)
    {
        if (error.SymbolResult is not OptionResult { Option: var option, Tokens: [.., var last] }
            || !error.Message.StartsWith(CannotParse, StringComparison.Ordinal))
        {
            return error.Message;
        }
        var type = option.ValueType.GetElementType() ?? Nullable.GetUnderlyingType(option.ValueType) ?? option.ValueType;
        return $"{option.Name}: '{last.Value}' is not {Kind(type)}.";
    }

    private static string Kind(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Int32 or TypeCode.Int64 => "a whole number, or too large a one",
        TypeCode.Double => "a number",
        TypeCode.Boolean => "true or false; the option alone means true",
        _ => "a value for it",
    };

    /// <summary>The text of a value; of a directory more is said than its name.</summary>
    private static string? Typed(ParseResult arguments, Option option) =>
        option.ValueType != typeof(DirectoryInfo) && arguments.GetResult(option) is { Implicit: false, Tokens: [.., var last] }
            ? last.Value
            : null;

    private static string Rename(string text, string property, string flag, string? typed)
    {
        // The value is told as it was typed: 1ms, and not 00:00:00.0010000.
        if (typed is not null && text.StartsWith($"{property} is ", StringComparison.Ordinal)
            && text.IndexOf(';', StringComparison.Ordinal) is > 0 and var end)
        {
            return $"{flag} is {typed}{text[end..]}";
        }
        return string.Join(' ', text.Split(' ').Select(word => word == property ? flag : word));
    }
}
