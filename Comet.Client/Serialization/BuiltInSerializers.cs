using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MessagePack;

namespace Comet.Client.Serialization;

internal sealed class MemorySerializer : IMessageSerializer<ReadOnlyMemory<byte>>
{
    public void Serialize(ReadOnlyMemory<byte> value, IBufferWriter<byte> output) => output.Write(value.Span);

    public ReadOnlyMemory<byte> Deserialize(ReadOnlyMemory<byte> payload) => payload;
}

internal sealed class ByteArraySerializer : IMessageSerializer<byte[]>
{
    public void Serialize(byte[] value, IBufferWriter<byte> output) => output.Write(value);

    public byte[] Deserialize(ReadOnlyMemory<byte> payload) => payload.ToArray();
}

internal sealed class StringSerializer : IMessageSerializer<string>
{
    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public void Serialize(string value, IBufferWriter<byte> output)
    {
        var span = output.GetSpan(s_strict.GetByteCount(value));
        output.Advance(s_strict.GetBytes(value, span));
    }

    public string Deserialize(ReadOnlyMemory<byte> payload) => s_strict.GetString(payload.Span);
}

internal sealed class JsonSerializerOfT<T>(JsonTypeInfo<T> typeInfo) : IMessageSerializer<T>
{
    public void Serialize(T value, IBufferWriter<byte> output)
    {
        using var writer = new Utf8JsonWriter(output);
        JsonSerializer.Serialize(writer, value, typeInfo);
    }

    public T Deserialize(ReadOnlyMemory<byte> payload) => JsonSerializer.Deserialize(payload.Span, typeInfo)!;
}

internal sealed class MessagePackSerializerOfT<T>(MessagePackSerializerOptions options) : IMessageSerializer<T>
{
    public void Serialize(T value, IBufferWriter<byte> output) => MessagePackSerializer.Serialize(output, value, options);

    public T Deserialize(ReadOnlyMemory<byte> payload) => MessagePackSerializer.Deserialize<T>(payload, options);
}
