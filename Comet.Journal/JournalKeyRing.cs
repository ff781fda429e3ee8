namespace Comet.Journals;

/// <summary>Keys that are held in memory.</summary>
public sealed class JournalKeyRing : IJournalKeyProvider
{
    private readonly Dictionary<string, byte[]> _keys;

    /// <summary>Creates one.</summary>
    /// <param name="currentKeyId">The id of the key for what is encrypted from now on.</param>
    /// <param name="keys">All keys by their ids, 32 bytes each. They are copied.</param>
    /// <exception cref="ArgumentException">The current key is not among them, a key has not 32 bytes, or an id is empty or has more than 64
    /// bytes.</exception>
    public JournalKeyRing(string currentKeyId, IEnumerable<KeyValuePair<string, byte[]>> keys)
    {
        ArgumentNullException.ThrowIfNull(currentKeyId);
        ArgumentNullException.ThrowIfNull(keys);
        _keys = keys.ToDictionary(each => each.Key, each => (byte[])each.Value.Clone(), StringComparer.Ordinal);
        foreach (var (id, key) in _keys)
        {
            if (Packing.SegmentKeys.WhatIsWrong(id, key) is { } wrong)
                throw new ArgumentException(wrong, nameof(keys));
        }

        if (!_keys.ContainsKey(currentKeyId))
        {
            throw new ArgumentException(
                $"The current key '{currentKeyId}' is not among the {_keys.Count} keys given.", nameof(currentKeyId));
        }

        CurrentKeyId = currentKeyId;
    }

    /// <inheritdoc />
    public string CurrentKeyId { get; }

    /// <inheritdoc />
    public ReadOnlyMemory<byte>? FindKey(string keyId)
    {
        // Not with a conditional: its null would be one of byte[], which converts to a memory of no bytes and not to none.
        if (_keys.TryGetValue(keyId, out var key))
            return key;
        return null;
    }
}
