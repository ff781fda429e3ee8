using System.Buffers;
using System.Text;

namespace Comet.Journals.Serialization;

internal sealed class Utf8Serializer : IJournalSerializer<string>
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public void Serialize(string value, IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(value);
        Strict.GetBytes(value, destination);
    }

    public string Deserialize(ReadOnlySpan<byte> payload) => Strict.GetString(payload);
}
