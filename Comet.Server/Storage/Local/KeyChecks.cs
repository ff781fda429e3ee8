using System.Buffers.Binary;
using System.Security.Cryptography;
using Comet.Journals;

namespace Comet.Server.Storage.Local;

/// <summary>Remembers which keys a data directory was used with, by their ids and a few bytes derived from each, so that a wrong or missing
/// key is told at the start and not when an old segment is read.</summary>
internal static class KeyChecks
{
    private const string Prefix = "key:";

    /// <summary>Checks the keys that are given, and returns what has to be saved about one that is new.</summary>
    /// <exception cref="CometException">A key is missing, or another one than before.</exception>
    public static List<(string Name, long Check)> Check(MetadataFile metadata, IJournalKeyProvider? keys, string directory)
    {
        var known = metadata.ReadNodes(Prefix)
            .ToDictionary(static row => row.Key[Prefix.Length..], static row => row.Value, StringComparer.Ordinal);
        foreach (var (id, check) in known)
        {
            if (keys?.FindKey(id) is not { } key)
            {
                throw new CometException(ErrorCode.StorageFailed,
                    $"Messages in {directory} are encrypted with the key '{id}', which was not given: nothing was changed. Give it "
                    + $"(comet serve --key {id}=FILE), also when another one is the current key by now.");
            }
            if (CheckOf(key.Span) != check)
            {
                throw new CometException(ErrorCode.StorageFailed,
                    $"The key '{id}' is not the one that messages in {directory} are encrypted with under this id: nothing was changed. "
                    + "Give the right key, or the new one under an id of its own.");
            }
        }
        if (keys is null || known.ContainsKey(keys.CurrentKeyId))
            return [];
        return keys.FindKey(keys.CurrentKeyId) is { } current
            ? [(Prefix + keys.CurrentKeyId, CheckOf(current.Span))]
            : throw new CometException(ErrorCode.StorageFailed, $"The current key '{keys.CurrentKeyId}' is not known to the key provider.");
    }

    /// <summary>Eight bytes that tell nothing about the key.</summary>
    private static long CheckOf(ReadOnlySpan<byte> key)
    {
        Span<byte> check = stackalloc byte[sizeof(long)];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, check, [], "Comet data directory key check 1"u8);
        return BinaryPrimitives.ReadInt64LittleEndian(check);
    }
}
