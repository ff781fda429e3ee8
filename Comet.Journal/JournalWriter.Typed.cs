using System.Buffers;

namespace Comet.Journals;

/// <summary>Appends values. For one thread at a time.</summary>
/// <typeparam name="T">The values.</typeparam>
public sealed class JournalWriter<T> : IDisposable
{
    private const int MostKept = 1 << 20;

    private readonly JournalWriter _writer;
    private readonly IJournalSerializer<T> _serializer;
    private ArrayBufferWriter<byte> _buffer = new();

    /// <summary>Creates one that writes through a writer, which it disposes.</summary>
    public JournalWriter(JournalWriter writer, IJournalSerializer<T> serializer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(serializer);
        _writer = writer;
        _serializer = serializer;
    }

    /// <summary>Appends a value as one record.</summary>
    /// <returns>Its sequence and place.</returns>
    /// <exception cref="JournalException">It is too long, there is no room (transient), or the journal has failed.</exception>
    /// <exception cref="ObjectDisposedException">The writer or the journal is disposed.</exception>
    public JournalPosition Append(T value)
    {
        _buffer.ResetWrittenCount();
        _serializer.Serialize(value, _buffer);
        var position = _writer.Append(_buffer.WrittenSpan);
        // One huge value does not hold its memory for ever.
        if (_buffer.Capacity > MostKept)
            _buffer = new ArrayBufferWriter<byte>();
        return position;
    }

    /// <summary>Disposes the writer.</summary>
    public void Dispose() => _writer.Dispose();
}
