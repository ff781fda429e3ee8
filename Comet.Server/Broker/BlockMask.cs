namespace Comet.Server.Broker;

/// <summary>Which of 64 neighbouring offsets are meant: bit 0 for the first of them.</summary>
internal static class BlockMask
{
    public const int Shift = 6;
    public const int Size = 1 << Shift;

    /// <summary>The bits from <paramref name="first"/> to <paramref name="last"/>, both included.</summary>
    public static ulong Of(int first, int last) => ulong.MaxValue >> (Size - 1 - (last - first)) << first;
}
