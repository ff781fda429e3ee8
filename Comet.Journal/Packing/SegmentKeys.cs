using System.Security.Cryptography;
using System.Text;

namespace Comet.Journals.Packing;

/// <summary>Finds the key of a file, or says in a sentence why it cannot be read or written.</summary>
internal static class SegmentKeys
{
    /// <summary>Why an id and a key are none; null when they are.</summary>
    public static string? WhatIsWrong(string id, ReadOnlySpan<byte> key)
    {
        if (string.IsNullOrEmpty(id) || Encoding.UTF8.GetByteCount(id) > PackedHeader.MaxKeyIdLength)
            return $"'{id}' is no id of a key: it must have 1 to {PackedHeader.MaxKeyIdLength} bytes of UTF-8.";
        return key.Length == BlockCipher.KeyLength ? null
            : $"The key '{id}' has {key.Length} bytes; AES-256 takes {BlockCipher.KeyLength}.";
    }

    /// <summary>The cipher of a file; null when it is not encrypted.</summary>
    /// <exception cref="JournalException">There is no such key.</exception>
    public static BlockCipher? CipherOf(PackedHeader header, ReadOnlySpan<byte> bytes, IJournalKeyProvider? keys, string path)
    {
        if (header.KeyId is not { } id)
            return null;
        if (keys is null)
        {
            throw Refused(path, $"{path} is encrypted with the key '{id}', and the journal was opened without keys. Give them in "
                + $"{nameof(JournalOptions)}.{nameof(JournalOptions.Keys)}; to comet journal with --key {id}=FILE.");
        }

        if (keys.FindKey(id) is not { } key)
        {
            throw Refused(path, $"{path} is encrypted with the key '{id}', which the key provider does not know. Keys have to be kept as "
                + "long as there are segments encrypted with them.");
        }

        return WhatIsWrong(id, key.Span) is { } wrong
            ? throw Refused(path, $"{path} cannot be decrypted. {wrong}")
            : new BlockCipher(key.Span, header.Salt, bytes);
    }

    /// <summary>A header for a new file, with the current key when there are keys.</summary>
    public static PackedHeader Encrypted(PackedHeader header, IJournalKeyProvider? keys) => keys is null ? header : header with
    {
        KeyId = keys.CurrentKeyId,
        Salt = RandomNumberGenerator.GetBytes(PackedHeader.SaltLength)
    };

    public static JournalException WrongKey(string path, string id, long position) => Refused(path,
        $"{path} cannot be decrypted with the key '{id}' (at byte {position}): the key of that id is not the one it was encrypted with, or "
        + "somebody changed the file on purpose. Give the right key, or restore the file from a copy.", position);

    private static JournalException Refused(string path, string sentence, long position = -1) =>
        new(JournalErrorCode.WrongKey, sentence) { File = path, FilePosition = position };
}
