using System.Buffers;
using MessagePack;

namespace Comet.Wire;

/// <summary>Headers as MessagePack arrays: a record is an array of its fields' values, names are not written.</summary>
/// <remarks>Written and read by hand, so no type names, no reflection and no recursion; every count is checked against the bytes
/// at hand before memory is taken (what MessagePackSecurity.UntrustedData stands for in its object mapper).</remarks>
internal sealed class MessagePackHeaderCodec : HeaderCodec
{
    public override string Name => "msgpack";

    protected override IHeaderWriter CreateWriter(IBufferWriter<byte> output) =>
        throw new NotSupportedException("The MessagePack codec writes through a ref struct; Write is overridden.");

    protected override IHeaderReader CreateReader(ReadOnlySequence<byte> header) =>
        throw new NotSupportedException("The MessagePack codec reads through a ref struct; Read is overridden.");

    internal override void Write<TFrame>(IBufferWriter<byte> output, in TFrame frame)
    {
        var writer = new Writer(output);
        frame.WriteTo(ref writer);
        writer.Flush();
    }

    internal override TFrame Read<TFrame>(ReadOnlySequence<byte> header)
    {
        try
        {
            var reader = new Reader(header);
            return TFrame.ReadFrom(ref reader);
        }
        // MessagePackReader throws many things at a damaged length; whatever it is, the frame is at fault.
        catch (Exception e) when (e is not CometException)
        {
            throw Undecodable<TFrame>(e);
        }
    }

    private ref struct Writer(IBufferWriter<byte> output) : IHeaderWriter
    {
        private MessagePackWriter _inner = new(output);

        public void Flush() => _inner.Flush();

        public void BeginRecord(int fieldCount) => _inner.WriteArrayHeader(fieldCount);

        public readonly void EndRecord()
        {
        }

        public void WriteInteger(string name, long value) => _inner.Write(value);

        public void WriteBoolean(string name, bool value) => _inner.Write(value);

        public void WriteString(string name, string? value) => _inner.Write(value);

        public void WriteBytes(string name, ReadOnlySpan<byte> value) => _inner.Write(value);

        public void WriteIntegers(string name, ReadOnlySpan<long> values)
        {
            _inner.WriteArrayHeader(values.Length);
            foreach (var value in values)
                _inner.Write(value);
        }

        public void BeginList(string name, int count) => _inner.WriteArrayHeader(count);

        public readonly void EndList()
        {
        }
    }

    private ref struct Reader(ReadOnlySequence<byte> header) : IHeaderReader
    {
        // A header nests a list of records in a record, and no deeper.
        private const int MaxDepth = 4;

        private MessagePackReader _inner = new(header);
        private DepthCounters _outer;
        private int _depth;
        private int _fieldsLeft;

        public void BeginRecord()
        {
            if (_depth == MaxDepth)
                throw new CometException(ErrorCode.ProtocolViolation, "A frame header is nested too deeply.");
            _outer[_depth++] = _fieldsLeft;
            _fieldsLeft = _inner.ReadArrayHeader();
        }

        public void EndRecord()
        {
            for (; _fieldsLeft > 0; _fieldsLeft--)
                _inner.Skip();
            _fieldsLeft = _outer[--_depth];
        }

        public long ReadInteger(string name) => NextField() ? _inner.ReadInt64() : 0;

        public bool ReadBoolean(string name) => NextField() && _inner.ReadBoolean();

        public string? ReadString(string name) => NextField() ? _inner.ReadString() : null;

        public byte[] ReadBytes(string name) => NextField() && _inner.ReadBytes() is { } bytes ? bytes.ToArray() : [];

        public long[] ReadIntegers(string name)
        {
            if (!NextField())
                return [];
            // ReadArrayHeader has checked the count against the remaining bytes: an integer takes at least one.
            var count = _inner.ReadArrayHeader();
            if (count == 0)
                return [];
            var values = new long[count];
            for (var i = 0; i < count; i++)
                values[i] = _inner.ReadInt64();
            return values;
        }

        public int BeginList(string name) => NextField() ? _inner.ReadArrayHeader() : 0;

        public readonly void EndList()
        {
        }

        private bool NextField()
        {
            if (_fieldsLeft == 0)
                return false;
            _fieldsLeft--;
            return true;
        }
    }

    [System.Runtime.CompilerServices.InlineArray(4)]
    private struct DepthCounters
    {
        private int _first;
    }
}
