using System.Buffers;

namespace Comet.Journals;

/// <summary>Turns values into the bytes of a record and back. Used by many threads at once.</summary>
/// <typeparam name="T">The values.</typeparam>
public interface IJournalSerializer<T>
{
    /// <summary>Writes a value. What it throws comes out of the append, and nothing has been appended.</summary>
    void Serialize(T value, IBufferWriter<byte> destination);

    /// <summary>Makes a value from the bytes of a record. What it throws comes out of the reader, which has passed the record.</summary>
    /// <param name="payload">The bytes, valid during the call.</param>
    T Deserialize(ReadOnlySpan<byte> payload);
}
