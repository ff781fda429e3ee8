using System.Runtime.CompilerServices;
using Comet.Checksums;

namespace Comet.Journals.Records;

/// <summary>
/// A record: <c>word u32 | crc u32 | timestamp i64 | sequence i64 | body, padded with zeros to 8 bytes</c>, all little-endian and
/// aligned to 8. The word holds the kind in its upper 4 bits and the length of the body below; it is zero until the record is published
/// and is written last. The CRC-32C goes on from the segment's seed over the word, the timestamp, the sequence and the padded body;
/// of <see cref="RecordKind.Padding"/>, whose body is whatever a dead writer left there, not over the body.
/// </summary>
internal static unsafe class RecordLayout
{
    public const int HeaderLength = 24;
    public const int Alignment = 8;
    public const int CrcAt = 4;
    public const int TimestampAt = 8;
    public const int SequenceAt = 16;

    /// <summary>64 MiB: the longest body.</summary>
    public const int MaxBodyLength = 64 * 1024 * 1024;

    /// <summary>The longest body of padding: as much as the word can say.</summary>
    public const int MaxPaddingLength = (1 << KindShift) - Alignment;

    // From here on one pass is faster than a copy and a checksum.
    private const int MinCopied = 512;

    private const int KindShift = 28;
    private const uint LengthMask = (1u << KindShift) - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Word(RecordKind kind, int bodyLength) => ((uint)kind << KindShift) | (uint)bodyLength;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RecordKind Kind(uint word) => (RecordKind)(word >> KindShift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int BodyLength(uint word) => (int)(word & LengthMask);

    /// <summary>How many bytes of the segment a record takes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Size(int bodyLength) => (HeaderLength + bodyLength + (Alignment - 1)) & ~(Alignment - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Size(uint word) => Size(BodyLength(word));

    /// <summary>Whether a word can be the beginning of a record that ends within <paramref name="room"/> bytes.</summary>
    public static bool IsPlausible(uint word, long room) =>
        Kind(word) is >= RecordKind.Data and <= RecordKind.Mark && BodyLength(word) <= LongestOf(Kind(word)) && Size(word) <= room;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Word(byte* record) => Volatile.Read(ref *(uint*)record);

    public static uint Crc(byte* record) => *(uint*)(record + CrcAt);

    public static long Timestamp(byte* record) => *(long*)(record + TimestampAt);

    public static long Sequence(byte* record) => *(long*)(record + SequenceAt);

    /// <summary>Where the checksums of a segment begin: stale bytes of another one never pass for this one's.</summary>
    public static uint Seed(uint salt, long segmentNumber) =>
        Crc32C.Append(Crc32C.Append(uint.MaxValue, salt), (ulong)segmentNumber);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint ComputeCrc(uint seed, uint word, byte* record)
    {
        var covered = Kind(word) == RecordKind.Padding ? HeaderLength - TimestampAt : Size(word) - TimestampAt;
        return ~Crc32C.Append(Crc32C.Append(seed, word), (ulong*)(record + TimestampAt), covered / sizeof(ulong));
    }

    /// <summary>Writes the header of a record whose body is there, and lets readers see it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Publish(byte* record, uint seed, uint word, long timestamp, long sequence)
    {
        *(long*)(record + TimestampAt) = timestamp;
        *(long*)(record + SequenceAt) = sequence;
        *(uint*)(record + CrcAt) = ComputeCrc(seed, word, record);
        Volatile.Write(ref *(uint*)record, word);
    }

    /// <summary>Copies the body of a record whose last word is zero, writes the header, and lets readers see it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Publish(byte* record, uint seed, uint word, long timestamp, long sequence, ReadOnlySpan<byte> body)
    {
        if (body.Length >= MinCopied)
        {
            PublishLong(record, seed, word, timestamp, sequence, body);
            return;
        }

        body.CopyTo(new Span<byte>(record + HeaderLength, body.Length));
        Publish(record, seed, word, timestamp, sequence);
    }

    /// <summary>Whether what was published at a place is what was written there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsIntact(uint seed, uint word, byte* record) => Crc(record) == ComputeCrc(seed, word, record);

    // Gone through once: a copy first, and the checksum of it then, takes half as long again at 16 KiB.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void PublishLong(byte* record, uint seed, uint word, long timestamp, long sequence, ReadOnlySpan<byte> body)
    {
        *(long*)(record + TimestampAt) = timestamp;
        *(long*)(record + SequenceAt) = sequence;
        var words = body.Length / sizeof(ulong);
        var to = record + HeaderLength;
        var rest = body[(words * sizeof(ulong))..];
        rest.CopyTo(new Span<byte>(to + (words * sizeof(ulong)), rest.Length));
        var state = Crc32C.Append(Crc32C.Append(Crc32C.Append(seed, word), (ulong)timestamp), (ulong)sequence);
        fixed (byte* from = body)
            state = Crc32C.AppendCopied(state, (ulong*)from, (ulong*)to, words);
        if (!rest.IsEmpty)
            state = Crc32C.Append(state, ((ulong*)to)[words]);
        *(uint*)(record + CrcAt) = ~state;
        Volatile.Write(ref *(uint*)record, word);
    }

    // Padding may take over several claims at once.
    private static int LongestOf(RecordKind kind) => kind == RecordKind.Padding ? MaxPaddingLength : MaxBodyLength;
}
