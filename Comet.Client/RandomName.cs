using System.Security.Cryptography;

namespace Comet.Client;

/// <summary>Names for producers and consumers that were given none: unlike all others, and short enough for a log.</summary>
internal static class RandomName
{
    private const int RandomBytes = 8;

    public static string Create(string prefix) => $"{prefix}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes))}";
}
