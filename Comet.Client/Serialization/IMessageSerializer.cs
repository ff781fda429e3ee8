using System.Buffers;

namespace Comet.Client;

/// <summary>Turns values into payloads and back. Implement it for a format of your own.</summary>
/// <typeparam name="T">What is sent and received.</typeparam>
/// <remarks>Must be thread-safe. What it throws reaches the caller as <see cref="ErrorCode.UnserializableValue"/> or
/// <see cref="ErrorCode.UndecodablePayload"/>; the stream goes on. Serializing happens under the producer's lock: do not call the producer
/// or wait in there.</remarks>
public interface IMessageSerializer<T>
{
    /// <summary>Writes a value. What was written before an exception is taken back.</summary>
    void Serialize(T value, IBufferWriter<byte> output);

    /// <summary>Reads a value. The payload stays valid and unchanged for as long as anybody refers to it, so a value may keep slices of
    /// it.</summary>
    T Deserialize(ReadOnlyMemory<byte> payload);
}
