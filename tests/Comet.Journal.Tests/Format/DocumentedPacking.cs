using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Comet.Journals.Tests.Format;

/// <summary>A second implementation of reading packed segments, written from docs/journal-format.md and the descriptions of LZ4 and Snappy
/// blocks alone: it uses nothing of Comet.Journal.</summary>
internal static class DocumentedPacking
{
    /// <summary>The segment as it was written, as far as it was packed: header, records, end mark.</summary>
    public static byte[] Unpack(byte[] file, Func<string, byte[]> key)
    {
        Assert.Equal((0x6B635074656D6F43ul, 1u), (U64(file, 0), U32(file, 8)));
        Assert.Equal(U32(file, 508), DocumentedReader.Crc(file[..508]));
        var trailer = file[^64..];
        Assert.Equal(0x646E4574656D6F43ul, U64(trailer, 0));
        Assert.Equal(U32(trailer, 60), DocumentedReader.Crc(trailer[..60]));
        var (tableAt, end) = ((int)U64(trailer, 8), (int)U64(trailer, 16));
        var (blocks, tableLength) = ((int)U32(trailer, 32), (int)U32(trailer, 36));
        Assert.Equal(file.Length, tableAt + tableLength + 64);
        var table = file[tableAt..(tableAt + tableLength)];
        Assert.Equal(U32(trailer, 40), DocumentedReader.Crc(table));
        if (U32(file, 16) == 1)
            table = Decrypt(file, key, -1, table, trailer[..40]);

        var segment = new byte[BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(512 + 32))];
        file.AsSpan(512, 1024).CopyTo(segment);
        for (var i = 0; i < blocks; i++)
        {
            var entry = table.AsSpan(i * 48, 48).ToArray();
            var position = (int)U64(entry, 0);
            var to = i + 1 < blocks ? (int)U64(table, (i + 1) * 48) : end;
            var stored = file.AsSpan((int)U64(entry, 24), (int)U32(entry, 32)).ToArray();
            Assert.Equal(U32(entry, 40), DocumentedReader.Crc(stored));
            var bytes = U32(file, 16) == 1 ? Decrypt(file, key, i, stored, []) : stored;
            if (U32(entry, 36) == 1)
                bytes = U32(file, 12) == 1 ? Lz4(bytes, to - position) : Snappy(bytes, to - position);
            Assert.Equal(to - position, bytes.Length);
            bytes.CopyTo(segment.AsSpan(position));
        }

        return segment;
    }

    private static byte[] Decrypt(byte[] file, Func<string, byte[]> key, long number, byte[] stored, byte[] more)
    {
        var id = Encoding.UTF8.GetString(file.AsSpan(64, (int)U32(file, 20)));
        var own = HKDF.DeriveKey(HashAlgorithmName.SHA256, key(id), 32, file[32..64], "Comet.Journal packed segment 1"u8.ToArray());
        using var aes = new AesGcm(own, 16);
        var plain = new byte[stored.Length - 16];
        byte[] nonce = [.. BitConverter.GetBytes(number), 0, 0, 0, 0];
        byte[] associated = [.. file[..1536], .. BitConverter.GetBytes(number), .. more];
        aes.Decrypt(nonce, stored[..^16], stored[^16..], plain, associated);
        return plain;
    }

    private static byte[] Lz4(byte[] packed, int length)
    {
        var (result, at) = (new List<byte>(length), 0);
        while (true)
        {
            var token = packed[at++];
            var literals = Long(packed, token >> 4, ref at);
            result.AddRange(packed[at..(at + literals)]);
            at += literals;
            if (at == packed.Length)
                return [.. result];

            var offset = packed[at] | (packed[at + 1] << 8);
            at += 2;
            var match = Long(packed, token & 15, ref at) + 4;
            for (; match > 0; match--)
                result.Add(result[^offset]);
        }
    }

    private static int Long(byte[] packed, int length, ref int at)
    {
        if (length != 15)
            return length;

        byte more;
        do
        {
            more = packed[at++];
            length += more;
        }
        while (more == 255);
        return length;
    }

    private static byte[] Snappy(byte[] packed, int length)
    {
        var (result, at) = (new List<byte>(length), 0);
        while (packed[at++] >= 128)
        {
            // The length, which the table says as well.
        }

        while (at < packed.Length)
        {
            var tag = packed[at++];
            if ((tag & 3) == 0)
            {
                var bytes = (tag >> 2) - 59;
                var literals = bytes <= 0 ? (tag >> 2) + 1 : Little(packed, at, bytes) + 1;
                at += Math.Max(0, bytes);
                result.AddRange(packed[at..(at + literals)]);
                at += literals;
                continue;
            }

            var offsetBytes = 1 << ((tag & 3) - 1);
            var match = (tag & 3) == 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
            var offset = Little(packed, at, offsetBytes) + ((tag & 3) == 1 ? (tag >> 5) << 8 : 0);
            at += offsetBytes;
            for (; match > 0; match--)
                result.Add(result[^offset]);
        }

        return [.. result];
    }

    private static int Little(byte[] packed, int at, int bytes)
    {
        var value = 0;
        for (var i = 0; i < bytes; i++)
            value |= packed[at + i] << (8 * i);
        return value;
    }

    private static uint U32(byte[] bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at));

    private static ulong U64(byte[] bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));
}
