using System.Buffers;
using System.Text.Json;

namespace Comet.Wire;

/// <summary>Headers as JSON objects with the fields' names: readable on the wire; slower and larger than MessagePack.</summary>
internal sealed class JsonHeaderCodec : HeaderCodec
{
    private static readonly JsonDocumentOptions s_options = new() { MaxDepth = 8 };

    public override string Name => "json";

    protected override IHeaderWriter CreateWriter(IBufferWriter<byte> output) => new Writer(output);

    protected override IHeaderReader CreateReader(ReadOnlySequence<byte> header) =>
        new Reader(JsonDocument.Parse(header, s_options).RootElement);

    private sealed class Writer(IBufferWriter<byte> output) : IHeaderWriter
    {
        private readonly Utf8JsonWriter _inner = new(output);
        private int _depth;

        public void BeginRecord(int fieldCount)
        {
            _depth++;
            _inner.WriteStartObject();
        }

        public void EndRecord()
        {
            _inner.WriteEndObject();
            if (--_depth == 0)
                _inner.Flush();
        }

        public void WriteInteger(string name, long value) => _inner.WriteNumber(name, value);

        public void WriteBoolean(string name, bool value) => _inner.WriteBoolean(name, value);

        public void WriteString(string name, string? value) => _inner.WriteString(name, value);

        public void WriteBytes(string name, ReadOnlySpan<byte> value) => _inner.WriteBase64String(name, value);

        public void WriteIntegers(string name, ReadOnlySpan<long> values)
        {
            _inner.WriteStartArray(name);
            foreach (var value in values)
                _inner.WriteNumberValue(value);
            _inner.WriteEndArray();
        }

        public void BeginList(string name, int count) => _inner.WriteStartArray(name);

        public void EndList() => _inner.WriteEndArray();
    }

    private sealed class Reader(JsonElement root) : IHeaderReader
    {
        private readonly Stack<JsonElement> _records = new();
        private readonly Stack<JsonElement.ArrayEnumerator> _lists = new();

        public void BeginRecord()
        {
            if (_records.Count == 0)
            {
                _records.Push(RequireKind(root, JsonValueKind.Object));
                return;
            }
            var list = _lists.Pop();
            if (!list.MoveNext())
                throw new CometException(ErrorCode.ProtocolViolation, "A list in a frame header has fewer items than were read.");
            _lists.Push(list);
            _records.Push(RequireKind(list.Current, JsonValueKind.Object));
        }

        public void EndRecord() => _records.Pop();

        public long ReadInteger(string name) => TryGet(name, out var value) ? value.GetInt64() : 0;

        public bool ReadBoolean(string name) => TryGet(name, out var value) && value.GetBoolean();

        public string? ReadString(string name) => TryGet(name, out var value) ? value.GetString() : null;

        public byte[] ReadBytes(string name) => TryGet(name, out var value) ? value.GetBytesFromBase64() : [];

        public long[] ReadIntegers(string name) =>
            TryGet(name, out var value) ? [.. value.EnumerateArray().Select(static v => v.GetInt64())] : [];

        public int BeginList(string name)
        {
            if (!TryGet(name, out var value))
            {
                _lists.Push(default);
                return 0;
            }
            _lists.Push(RequireKind(value, JsonValueKind.Array).EnumerateArray());
            return value.GetArrayLength();
        }

        public void EndList() => _lists.Pop();

        private bool TryGet(string name, out JsonElement value) =>
            _records.Peek().TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

        private static JsonElement RequireKind(JsonElement element, JsonValueKind kind) => element.ValueKind == kind
            ? element
            : throw new CometException(ErrorCode.ProtocolViolation,
                $"A frame header has a JSON {element.ValueKind} where a {kind} belongs.");
    }
}
