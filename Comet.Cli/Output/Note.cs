namespace Comet.Cli.Output;

/// <summary>Tells something on standard error while the command goes on.</summary>
internal static class Note
{
    public static void Write(string text, bool isJson) =>
        Console.Error.WriteLine(isJson ? CliJson.Line(new NoteLine(text), CliJson.Default.NoteLine) : $"comet: {text}");
}

/// <summary>What a command tells while it goes on, as JSON.</summary>
internal sealed record NoteLine(string Note);
