using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Comet;

/// <summary>The hash that takes a key to its partition: MurmurHash3 x86 32-bit with seed 0 over the key's UTF-8, without the sign bit.
/// Part of the protocol: every client, in any language, must come to the same partition.</summary>
/// <remarks>Source: Austin Appleby, https://github.com/aappleby/smhasher (public domain).</remarks>
internal static class KeyHash
{
    private const uint C1 = 0xCC9E2D51;
    private const uint C2 = 0x1B873593;
    private const int StackLimit = 512;

    public static int Compute(string key)
    {
        var most = Encoding.UTF8.GetMaxByteCount(key.Length);
        var bytes = most <= StackLimit ? stackalloc byte[StackLimit] : new byte[most];
        return Compute(bytes[..Encoding.UTF8.GetBytes(key, bytes)]);
    }

    public static int Compute(ReadOnlySpan<byte> key)
    {
        var hash = 0u;
        var rest = key;
        for (; rest.Length >= 4; rest = rest[4..])
        {
            hash ^= Mix(BinaryPrimitives.ReadUInt32LittleEndian(rest));
            hash = (BitOperations.RotateLeft(hash, 13) * 5) + 0xE6546B64;
        }
        if (rest.Length > 0)
        {
            var tail = 0u;
            for (var i = rest.Length - 1; i >= 0; i--)
                tail = (tail << 8) | rest[i];
            hash ^= Mix(tail);
        }
        hash ^= (uint)key.Length;
        hash = (hash ^ (hash >> 16)) * 0x85EBCA6B;
        hash = (hash ^ (hash >> 13)) * 0xC2B2AE35;
        return (int)((hash ^ (hash >> 16)) & int.MaxValue);
    }

    private static uint Mix(uint block) => BitOperations.RotateLeft(block * C1, 15) * C2;
}
