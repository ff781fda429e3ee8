using System.Buffers.Binary;

namespace Comet.Testing.Transport;

/// <summary>A checksum over everything that connections have carried and when: two runs with the same one had the same history. Used on
/// the engine only.</summary>
internal sealed class Fingerprint
{
    // FNV-1a, eight bytes at a time: it has to tell runs apart, not to resist anybody.
    private const ulong Prime = 1099511628211;

    public ulong Value { get; private set; } = 14695981039346656037;

    public void Add(long time, string name, ReadOnlySpan<byte> bytes)
    {
        Add((ulong)time);
        foreach (var character in name)
            Add(character);
        while (bytes.Length >= sizeof(ulong))
        {
            Add(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        foreach (var each in bytes)
            Add(each);
    }

    private void Add(ulong value) => Value = (Value ^ value) * Prime;
}
