namespace Comet.Journals;

/// <summary>Knows the keys that segments are encrypted with. Keys never stand in the journal's files, only their ids. To rotate, make
/// another key the current one and keep the old ones: what is encrypted stays as it is, under the id in its header.</summary>
/// <remarks>Called from any thread, also by several at once, whenever a packed segment is written or opened. What it throws comes out of
/// the read, or is the reason why a segment is not packed.</remarks>
public interface IJournalKeyProvider
{
    /// <summary>The id of the key for what is encrypted from now on: 1 to 64 bytes of UTF-8.</summary>
    string CurrentKeyId { get; }

    /// <summary>The key of an id: 32 bytes from a good source of chance, always the same for one id. Null when it is not known.</summary>
    ReadOnlyMemory<byte>? FindKey(string keyId);
}
