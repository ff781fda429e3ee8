namespace Comet.Crash.Tests.Damage;

/// <summary>What may happen to the bytes of a file.</summary>
internal enum CorruptionKind
{
    /// <summary>One bit is another.</summary>
    Flip,

    /// <summary>The end is missing.</summary>
    Truncate,

    /// <summary>A chunk holds what is elsewhere in the same file: whole records, in the wrong place.</summary>
    Misplace,

    /// <summary>A chunk holds what is at its place in a file of another partition.</summary>
    Exchange,

    /// <summary>A chunk is as it was before anything was written.</summary>
    Zero,
}

/// <summary>Damages a file.</summary>
internal static class Corruption
{
    private const int Sector = 512;
    private const int MostSectors = 8;

    /// <summary>Damages a file at random; false when its bytes are the same as before.</summary>
    /// <param name="path">The file.</param>
    /// <param name="other">A file of another partition.</param>
    /// <param name="kind">How.</param>
    /// <param name="random">Where.</param>
    public static bool Apply(string path, string other, CorruptionKind kind, Random random)
    {
        var bytes = File.ReadAllBytes(path);
        var damaged = Damage(bytes.ToArray(), File.ReadAllBytes(other), kind, random);
        File.WriteAllBytes(path, damaged);
        return !damaged.AsSpan().SequenceEqual(bytes);
    }

    private static byte[] Damage(byte[] bytes, byte[] other, CorruptionKind kind, Random random)
    {
        var length = Sector * random.Next(1, MostSectors + 1);
        var at = Sector * random.Next(Math.Max(1, (bytes.Length - length) / Sector));
        length = Math.Min(length, bytes.Length - at);
        switch (kind)
        {
            case CorruptionKind.Flip:
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                break;
            case CorruptionKind.Truncate:
                return bytes[..random.Next(bytes.Length)];
            case CorruptionKind.Misplace:
                bytes.AsSpan(Sector * random.Next(Math.Max(1, (bytes.Length - length) / Sector)), length).CopyTo(bytes.AsSpan(at));
                break;
            case CorruptionKind.Exchange when at + length <= other.Length:
                other.AsSpan(at, length).CopyTo(bytes.AsSpan(at));
                break;
            default:
                bytes.AsSpan(at, length).Clear();
                break;
        }
        return bytes;
    }
}
