namespace Comet;

/// <summary>Writes the fields of a frame header in a codec's own form. A header is a record of named fields in a fixed order;
/// a codec may write the names (JSON) or rely on the order (MessagePack).</summary>
/// <remarks>For a codec of your own: see <see cref="HeaderCodec"/>.</remarks>
public interface IHeaderWriter
{
    /// <summary>Begins the header, or an item of a list, that has this many fields.</summary>
    void BeginRecord(int fieldCount);

    /// <summary>Ends what <see cref="BeginRecord"/> began.</summary>
    void EndRecord();

    /// <summary>Writes an integer.</summary>
    void WriteInteger(string name, long value);

    /// <summary>Writes a truth value.</summary>
    void WriteBoolean(string name, bool value);

    /// <summary>Writes a text, or null.</summary>
    void WriteString(string name, string? value);

    /// <summary>Writes bytes.</summary>
    void WriteBytes(string name, ReadOnlySpan<byte> value);

    /// <summary>Writes a list of integers.</summary>
    void WriteIntegers(string name, ReadOnlySpan<long> values);

    /// <summary>Begins a list of that many records.</summary>
    void BeginList(string name, int count);

    /// <summary>Ends what <see cref="BeginList"/> began.</summary>
    void EndList();
}
