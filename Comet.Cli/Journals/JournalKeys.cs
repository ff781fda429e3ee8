using System.CommandLine;
using System.Text;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>The keys of encrypted segments on the command line: their ids and files that hold them, never the keys themselves.</summary>
internal static class JournalKeys
{
    private const int KeyLength = 32;

    public static Option<string[]> Option { get; } = new("--key")
    {
        Description = "A key of encrypted segments, as id=file; the file has 32 bytes or 64 hexadecimal digits. May be repeated.",
        HelpName = "id=file",
    };

    /// <summary>The keys that were given, of which the last is the current one; null when there are none.</summary>
    public static IJournalKeyProvider? Parse(ParseResult arguments)
    {
        if (arguments.GetValue(Option) is not { Length: > 0 } given)
            return null;

        var keys = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        var current = "";
        foreach (var text in given)
        {
            var at = text.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0 || at == text.Length - 1)
                throw new UsageException($"'{text}' is no key: write its id, '=' and the file that holds it.");

            current = text[..at];
            keys[current] = Read(text[(at + 1)..]);
        }
        return new JournalKeyRing(current, keys);
    }

    private static byte[] Read(string path)
    {
        if (!File.Exists(path))
            throw new UsageException($"There is no key file '{path}'.");

        var bytes = File.ReadAllBytes(path);
        if (bytes.Length == KeyLength)
            return bytes;

        var digits = Encoding.ASCII.GetString(bytes).Trim();
        return digits.Length == 2 * KeyLength && digits.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(digits)
            : throw new UsageException($"'{path}' is no key file: it must have {KeyLength} bytes or {2 * KeyLength} hexadecimal digits.");
    }
}
