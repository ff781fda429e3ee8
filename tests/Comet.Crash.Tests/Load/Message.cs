using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using Comet.Client;

namespace Comet.Crash.Tests.Load;

/// <summary>The n-th message of a producer. Its payload follows from that alone, so that whoever reads it sees whether it is the one that
/// was sent.</summary>
/// <param name="Producer">Which producer, from 0.</param>
/// <param name="Number">Which message of it, from 0.</param>
internal readonly record struct Message(int Producer, int Number)
{
    /// <summary>Whether the payload was, byte for byte, the one that belongs to this producer and number.</summary>
    public bool IsIntact { get; init; } = true;

    public static IMessageSerializer<Message> Serializer { get; } = new Filled();

    public override string ToString() => $"{Producer}:{Number}";

    private sealed class Filled : IMessageSerializer<Message>
    {
        private const int Head = 2 * sizeof(int);
        private const int LongEvery = 97;
        private const int Long = 3000;
        private const int MostShort = 240;

        public void Serialize(Message value, IBufferWriter<byte> output)
        {
            var length = Length(value);
            Fill(value, output.GetSpan(length)[..length]);
            output.Advance(length);
        }

        public Message Deserialize(ReadOnlyMemory<byte> payload)
        {
            if (payload.Length < Head)
                return new(-1, -1) { IsIntact = false };
            var span = payload.Span;
            var message = new Message(BinaryPrimitives.ReadInt32LittleEndian(span), BinaryPrimitives.ReadInt32LittleEndian(span[4..]));
            if (span.Length != Length(message))
                return message with { IsIntact = false };
            Span<byte> expected = stackalloc byte[Long];
            Fill(message, expected[..span.Length]);
            return message with { IsIntact = span.SequenceEqual(expected[..span.Length]) };
        }

        private static int Length(Message message) =>
            message.Number % LongEvery == LongEvery - 1 ? Long : Head + (int)(Mix(Seed(message)) % MostShort);

        private static void Fill(Message message, Span<byte> payload)
        {
            BinaryPrimitives.WriteInt32LittleEndian(payload, message.Producer);
            BinaryPrimitives.WriteInt32LittleEndian(payload[4..], message.Number);
            var state = Seed(message);
            Span<byte> eight = stackalloc byte[sizeof(ulong)];
            for (var rest = payload[Head..]; rest.Length > 0; rest = rest[Math.Min(sizeof(ulong), rest.Length)..])
            {
                BinaryPrimitives.WriteUInt64LittleEndian(eight, Mix(++state));
                eight[..Math.Min(sizeof(ulong), rest.Length)].CopyTo(rest);
            }
        }

        private static ulong Seed(Message message) => ((ulong)(uint)message.Producer << 40) ^ ((ulong)(uint)message.Number << 8);

        private static ulong Mix(ulong value)
        {
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            return BitOperations.RotateLeft(value * 0x94D049BB133111EB, 31);
        }
    }
}
