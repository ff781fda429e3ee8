using System.Text;
using System.Text.Json;

namespace Comet.Integration.Tests.Processes;

/// <summary>How a `comet` ended and what it wrote.</summary>
internal sealed record CometResult(int ExitCode, byte[] OutputBytes, string Errors)
{
    public string Output => Encoding.UTF8.GetString(OutputBytes);

    /// <summary>The lines of the output, without their line feeds.</summary>
    public string[] Lines => Output.Split('\n')[..^1];

    /// <summary>Each line of the output as JSON.</summary>
    public JsonElement[] Json => [.. Lines.Select(static line => JsonSerializer.Deserialize<JsonElement>(line))];

    /// <summary>Fails, with all that was written, unless the exit code is this one.</summary>
    public CometResult Exits(int exitCode)
    {
        Assert.True(exitCode == ExitCode, $"The exit code is {ExitCode} and not {exitCode}. Output:\n{Output}\nErrors:\n{Errors}");
        return this;
    }
}
