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
        var options = arguments.CommandResult.Command.Options;
        var flags = options.Where(s_properties.ContainsKey)
            .ToDictionary(static o => s_properties[o], static o => o.Name, StringComparer.Ordinal);
        var typed = options.SelectMany(option => Texts(arguments, option)).OrderByDescending(static text => text.Length).ToArray();
        var text = exception.Message.Replace($" (Parameter '{exception.ParamName}')", "", StringComparison.Ordinal);
        text = Rename(text, flags, typed);
        return options.Aggregate(text, (told, option) => WithValue(told, option.Name, Typed(arguments, option)));
    }

    /// <summary>What the parser says, with the kind of value that is wanted in place of the type that it would become.</summary>
    public static string Explain(ParseError error)
    {
        if (error.SymbolResult is not { Tokens: [.., var last] } || !error.Message.StartsWith(CannotParse, StringComparison.Ordinal))
            return error.Message;
        return error.SymbolResult switch
        {
            OptionResult { Option: var option } => $"{option.Name}: '{last.Value}' is not {Kind(option.ValueType)}.",
            ArgumentResult { Argument: var argument } => $"{argument.Name}: '{last.Value}' is not {Kind(argument.ValueType)}.",
            _ => error.Message,
        };
    }

    private static string Kind(Type type) => Type.GetTypeCode(type.GetElementType() ?? Nullable.GetUnderlyingType(type) ?? type) switch
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

    /// <summary>The texts of an option that a message may have in it, of which words could be taken for properties.</summary>
    private static IEnumerable<string> Texts(ParseResult arguments, Option option) =>
        (arguments.GetResult(option)?.Tokens ?? [])
            .Select(token => option.ValueType == typeof(DirectoryInfo) ? Path.GetFullPath(token.Value) : token.Value)
            .Where(static text => text.Contains(' ', StringComparison.Ordinal));

    /// <summary>Puts flags in place of properties; what was typed stays as it is.</summary>
    private static string Rename(string text, Dictionary<string, string> flags, ReadOnlySpan<string> typed)
    {
        if (typed is not [var first, .. var rest])
            return string.Join(' ', text.Split(' ').Select(word => flags.GetValueOrDefault(word, word)));
        var parts = text.Split(first);
        for (var i = 0; i < parts.Length; i++)
            parts[i] = Rename(parts[i], flags, rest);
        return string.Join(first, parts);
    }

    /// <summary>The value is told as it was typed: 1ms, and not 00:00:00.0010000.</summary>
    private static string WithValue(string text, string flag, string? typed) =>
        typed is not null && text.StartsWith($"{flag} is ", StringComparison.Ordinal)
            && text.LastIndexOf("; it ", StringComparison.Ordinal) is > 0 and var end
            ? $"{flag} is {typed}{text[end..]}"
            : text;
}
