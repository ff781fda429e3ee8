using System.Text;

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

    /// <summary>Reads keys from files.</summary>
    /// <param name="currentKeyId">The id of the key for what is encrypted from now on.</param>
    /// <param name="files">The files by the ids of their keys: 32 bytes each, or 64 hexadecimal digits.</param>
    /// <exception cref="ArgumentException">As the constructor says, or a file is missing or holds no key.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static JournalKeyRing FromFiles(string currentKeyId, IEnumerable<KeyValuePair<string, string>> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        return new JournalKeyRing(currentKeyId, files.Select(static file => KeyValuePair.Create(file.Key, ReadFile(file.Value))));
    }

    /// <inheritdoc />
    public string CurrentKeyId { get; }

    /// <inheritdoc />
    public ReadOnlyMemory<byte>? FindKey(string keyId) => _keys.TryGetValue(keyId, out var key) ? key : default(ReadOnlyMemory<byte>?);

    private static byte[] ReadFile(string path)
    {
        if (!File.Exists(path))
            throw new ArgumentException($"There is no key file '{path}'.", nameof(path));

        var bytes = File.ReadAllBytes(path);
        if (bytes.Length == Packing.BlockCipher.KeyLength)
            return bytes;

        var digits = Encoding.ASCII.GetString(bytes).Trim();
        return digits.Length == 2 * Packing.BlockCipher.KeyLength && digits.All(char.IsAsciiHexDigit)
            ? Convert.FromHexString(digits)
            : throw new ArgumentException($"'{path}' is no key file: it must have {Packing.BlockCipher.KeyLength} bytes or "
                + $"{2 * Packing.BlockCipher.KeyLength} hexadecimal digits.", nameof(path));
    }
}
