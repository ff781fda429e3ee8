using System.Security.Cryptography;

namespace Comet.Client;

/// <summary>Names for producers and consumers that were given none: unlike all others, and short enough for a log.</summary>
internal static class RandomName
{
    private const int RandomBytes = 8;

    /// <param name="prefix">What it is a name of.</param>
    /// <param name="randomness">Null: the system's.</param>
    public static string Create(string prefix, Random? randomness)
    {
        Span<byte> bytes = stackalloc byte[RandomBytes];
        if (randomness is null)
            RandomNumberGenerator.Fill(bytes);
        else
            randomness.NextBytes(bytes);
        return $"{prefix}-{Convert.ToHexStringLower(bytes)}";
    }
}
