using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Comet.Journals.Serialization;

internal sealed class JsonTypeSerializer<T>(JsonTypeInfo<T> type) : IJournalSerializer<T>
{
    [ThreadStatic]
    private static Utf8JsonWriter? threadWriter;

    public void Serialize(T value, IBufferWriter<byte> destination)
    {
        // One writer for each thread: nothing is allocated per value.
        var writer = threadWriter ??= new Utf8JsonWriter(destination);
        writer.Reset(destination);
        JsonSerializer.Serialize(writer, value, type);
        writer.Flush();
    }

    public T Deserialize(ReadOnlySpan<byte> payload) => JsonSerializer.Deserialize(payload, type)!;
}
