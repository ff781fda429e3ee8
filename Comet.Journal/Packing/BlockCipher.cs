using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Comet.Journals.Packing;

/// <summary>
/// Encrypts the blocks of one file with AES-256-GCM. The key is the file's own, made by HKDF-SHA256 from the key of the provider and the
/// random salt in the header, so the block's number is all that the nonce needs: no two blocks of any file ever share key and nonce. The
/// header and the number are associated data: a block that is moved, within a file or to another one, is refused.
/// </summary>
internal sealed class BlockCipher : IDisposable
{
    public const int KeyLength = 32;
    public const int TagLength = 16;

    /// <summary>The number under which the table is encrypted.</summary>
    public const long TableNumber = -1;

    private const int NonceLength = 12;

    private static readonly byte[] Purpose = Encoding.ASCII.GetBytes("Comet.Journal packed segment 1");

    private readonly AesGcm _aes;
    private readonly byte[] _associated;

    /// <param name="key">The provider's key.</param>
    /// <param name="salt">The file's salt.</param>
    /// <param name="header">The file's header.</param>
    public BlockCipher(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> header)
    {
        _associated = new byte[header.Length + sizeof(long) + PackedTrailer.AuthenticatedLength];
        header.CopyTo(_associated);
        Span<byte> own = stackalloc byte[KeyLength];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, own, salt, Purpose);
        _aes = new AesGcm(own, TagLength);
        CryptographicOperations.ZeroMemory(own);
    }

    /// <summary>Encrypts a block into a span that is longer by <see cref="TagLength"/>.</summary>
    /// <param name="number">The number of the block; each is used once.</param>
    /// <param name="plain">The block, or the table.</param>
    /// <param name="stored">What goes into the file: as many bytes as before, and the tag.</param>
    /// <param name="more">What else is associated with it.</param>
    public void Encrypt(long number, ReadOnlySpan<byte> plain, Span<byte> stored, ReadOnlySpan<byte> more = default)
    {
        Span<byte> nonce = stackalloc byte[NonceLength];
        WriteNonce(nonce, number);
        _aes.Encrypt(nonce, plain, stored[..plain.Length], stored.Slice(plain.Length, TagLength), Associate(number, more));
    }

    /// <summary>Decrypts a block; false when the key is another one, or something is not what was encrypted.</summary>
    public bool TryDecrypt(long number, ReadOnlySpan<byte> stored, Span<byte> plain, ReadOnlySpan<byte> more = default)
    {
        if (stored.Length < TagLength)
            return false;

        Span<byte> nonce = stackalloc byte[NonceLength];
        WriteNonce(nonce, number);
        try
        {
            _aes.Decrypt(nonce, stored[..^TagLength], stored[^TagLength..], plain, Associate(number, more));
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => _aes.Dispose();

    private static void WriteNonce(Span<byte> nonce, long number)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(nonce, number);
    }

    private ReadOnlySpan<byte> Associate(long number, ReadOnlySpan<byte> more)
    {
        var length = _associated.Length - PackedTrailer.AuthenticatedLength;
        BinaryPrimitives.WriteInt64LittleEndian(_associated.AsSpan(length - sizeof(long)), number);
        more.CopyTo(_associated.AsSpan(length));
        return _associated.AsSpan(0, length + more.Length);
    }
}
