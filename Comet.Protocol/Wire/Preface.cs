namespace Comet.Wire;

/// <summary>Both sides send these eight bytes before their first frame: who is not Comet is told so at once, instead of having its
/// bytes taken for a frame of some gigabytes. The version stands in Hello, not here.</summary>
internal static class Preface
{
    public const int Length = 8;

    public static ReadOnlySpan<byte> Bytes => "COMET/1\n"u8;
}
