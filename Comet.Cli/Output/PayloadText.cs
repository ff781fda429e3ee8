using System.Text;

namespace Comet.Cli.Output;

/// <summary>Payloads as text, where they are text.</summary>
internal static class PayloadText
{
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The text; null when the bytes are no UTF-8.</summary>
    public static string? TryDecode(ReadOnlySpan<byte> payload)
    {
        try
        {
            return s_strict.GetString(payload);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
