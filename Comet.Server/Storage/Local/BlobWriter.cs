using System.Buffers.Binary;
using Comet.Checksums;

namespace Comet.Server.Storage.Local;

/// <summary>Numbers as bytes: seven bits a byte, the lowest first, so that small ones are short, and those below zero as odd ones
/// (zigzag).</summary>
internal sealed class BlobWriter
{
    private const int MaxNumberLength = 10;

    private byte[] _bytes = new byte[256];
    private int _length;

    /// <summary>The CRC-32C of all that was written.</summary>
    public uint Checksum => Crc32C.Compute(_bytes.AsSpan(0, _length));

    public void Write(long number)
    {
        Reserve(MaxNumberLength);
        var left = (ulong)((number << 1) ^ (number >> 63));
        for (; left >= 0x80; left >>= 7)
            _bytes[_length++] = (byte)(left | 0x80);
        _bytes[_length++] = (byte)left;
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Write(bytes.Length);
        Reserve(bytes.Length);
        bytes.CopyTo(_bytes.AsSpan(_length));
        _length += bytes.Length;
    }

    public byte[] ToArrayWithChecksum()
    {
        Reserve(sizeof(uint));
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(_length), Checksum);
        return _bytes[..(_length + sizeof(uint))];
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - _length < count)
            Array.Resize(ref _bytes, Math.Max(_length + count, _bytes.Length * 2));
    }
}

/// <summary>Reads what <see cref="BlobWriter"/> has written.</summary>
internal ref struct BlobReader
{
    private ReadOnlySpan<byte> _left;

    /// <summary>False when the checksum is wrong.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> bytes, out BlobReader reader)
    {
        reader = default;
        if (bytes.Length < sizeof(uint)
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes[^sizeof(uint)..]) != Crc32C.Compute(bytes[..^sizeof(uint)]))
            return false;
        reader._left = bytes[..^sizeof(uint)];
        return true;
    }

    /// <exception cref="FormatException">There is no number.</exception>
    public long Read()
    {
        var number = 0UL;
        for (var shift = 0; shift < 64 && !_left.IsEmpty; shift += 7)
        {
            var next = _left[0];
            _left = _left[1..];
            number |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return (long)(number >> 1) ^ -(long)(number & 1);
        }
        throw new FormatException("A saved point ends in the middle of a number.");
    }

    /// <summary>Reads how many of something follow, each of which takes a byte or more.</summary>
    /// <exception cref="FormatException">There cannot be so many.</exception>
    public int ReadCount() => Read() is var count && count >= 0 && count <= _left.Length
        ? (int)count
        : throw new FormatException($"A saved point says that {count} follow, and there are {_left.Length} bytes.");

    /// <exception cref="FormatException">There are not so many.</exception>
    public ReadOnlySpan<byte> ReadBytes()
    {
        var count = ReadCount();
        var bytes = _left[..count];
        _left = _left[count..];
        return bytes;
    }
}
