using System.Buffers;
using System.Globalization;
using System.Text;

namespace Comet.Protocol.Tests.Wire;

/// <summary>A codec of a user's own, as the documentation tells to write one: a value a line, texts escaped.</summary>
public sealed class LineHeaderCodec : HeaderCodec
{
    public override string Name => "lines";

    protected override IHeaderWriter CreateWriter(IBufferWriter<byte> output) => new Writer(output);

    protected override IHeaderReader CreateReader(ReadOnlySequence<byte> header) => new Reader(Encoding.UTF8.GetString(header));

    private sealed class Writer(IBufferWriter<byte> output) : IHeaderWriter
    {
        public void BeginRecord(int fieldCount) => Line(fieldCount.ToString(CultureInfo.InvariantCulture));

        public void EndRecord()
        {
        }

        public void WriteInteger(string name, long value) => Line(value.ToString(CultureInfo.InvariantCulture));

        public void WriteBoolean(string name, bool value) => Line(value ? "1" : "0");

        public void WriteString(string name, string? value) => Line(value is null ? "-" : "=" + Uri.EscapeDataString(value));

        public void WriteBytes(string name, ReadOnlySpan<byte> value) => Line(Convert.ToHexString(value));

        public void WriteIntegers(string name, ReadOnlySpan<long> values)
        {
            Line(values.Length.ToString(CultureInfo.InvariantCulture));
            foreach (var value in values)
                WriteInteger(name, value);
        }

        public void BeginList(string name, int count) => Line(count.ToString(CultureInfo.InvariantCulture));

        public void EndList()
        {
        }

        private void Line(string text) => output.Write(Encoding.UTF8.GetBytes(text + "\n"));
    }

    private sealed class Reader(string text) : IHeaderReader
    {
        private readonly string[] _lines = text.Split('\n');
        private int _next;

        public void BeginRecord() => Line();

        public void EndRecord()
        {
        }

        public long ReadInteger(string name) => long.Parse(Line(), CultureInfo.InvariantCulture);

        public bool ReadBoolean(string name) => Line() == "1";

        public string? ReadString(string name) => Line() is ['=', .. var value] ? Uri.UnescapeDataString(value) : null;

        public byte[] ReadBytes(string name) => Convert.FromHexString(Line());

        public long[] ReadIntegers(string name)
        {
            var values = new List<long>();
            for (var count = ReadInteger(name); count > 0; count--)
                values.Add(ReadInteger(name));
            return [.. values];
        }

        public int BeginList(string name) => (int)ReadInteger(name);

        public void EndList()
        {
        }

        private string Line() => _lines[_next++];
    }
}
