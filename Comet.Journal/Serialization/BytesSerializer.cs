using System.Buffers;

namespace Comet.Journals.Serialization;

internal sealed class BytesSerializer : IJournalSerializer<byte[]>
{
    public void Serialize(byte[] value, IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(value);
        destination.Write(value);
    }

    public byte[] Deserialize(ReadOnlySpan<byte> payload) => payload.ToArray();
}
