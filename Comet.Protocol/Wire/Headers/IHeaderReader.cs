namespace Comet;

/// <summary>Reads what an <see cref="IHeaderWriter"/> of the same codec wrote, field by field in the same order.</summary>
/// <remarks>Fields that a newer peer added at the end are skipped by <see cref="EndRecord"/>; a field that an older peer does not
/// send reads as 0, false, null or empty. Anything else that does not fit throws <see cref="CometException"/> with
/// <see cref="ErrorCode.ProtocolViolation"/>. A reader never takes memory by a count it has not checked against the bytes at
/// hand.</remarks>
public interface IHeaderReader
{
    /// <summary>Enters the header, or the next item of a list.</summary>
    void BeginRecord();

    /// <summary>Leaves what <see cref="BeginRecord"/> entered, skipping what was not read.</summary>
    void EndRecord();

    /// <summary>Reads an integer.</summary>
    long ReadInteger(string name);

    /// <summary>Reads a truth value.</summary>
    bool ReadBoolean(string name);

    /// <summary>Reads a text, or null.</summary>
    string? ReadString(string name);

    /// <summary>Reads bytes.</summary>
    byte[] ReadBytes(string name);

    /// <summary>Reads a list of integers.</summary>
    long[] ReadIntegers(string name);

    /// <summary>Enters a list and returns how many records it has.</summary>
    int BeginList(string name);

    /// <summary>Leaves what <see cref="BeginList"/> entered.</summary>
    void EndList();
}
