using System.Security.Cryptography;
using Comet.Journals.FileSystem;
using Comet.Journals.Packing;
using Comet.Journals.Segments;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Packing;

public sealed class EncryptionTests
{
    private static readonly JournalMaintenance Encrypt = new() { Compression = JournalCodec.Lz4, Encrypt = true };

    [Fact]
    public void A_key_ring_has_no_key_but_those_it_was_given()
    {
        var ring = new JournalKeyRing("a", new Dictionary<string, byte[]> { ["a"] = new byte[32] });
        Assert.Equal(32, ring.FindKey("a")?.Length);
        Assert.Null(ring.FindKey("b"));
    }

    [Fact]
    public async Task Nothing_that_was_appended_can_be_seen_in_the_file()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, PackedJournal.Options with { Keys = Keys.Ring("k") });
        using (var writer = journal.CreateWriter())
        {
            for (var i = 0; i < 5000; i++)
                writer.Append("a secret that is easy to find"u8);
        }

        await journal.FlushAsync();
        Assert.True(journal.RunMaintenance(Encrypt with { Compression = JournalCodec.None }).Packed > 1);
        foreach (var path in PackedJournal.Packed(directory.Path))
            Assert.False((await File.ReadAllBytesAsync(path)).AsSpan().IndexOf("secret"u8) >= 0);
        Assert.Equal(5000, journal.Count());
    }

    [Fact]
    public async Task A_wrong_or_missing_key_is_refused_with_a_sentence_that_names_file_and_key()
    {
        using var directory = await PackedJournal.CreateAsync(Encrypt, Keys.Ring("2026-07"));
        var path = PackedJournal.Packed(directory.Path)[0];
        foreach (var (keys, said) in new (IJournalKeyProvider?, string)[]
                 {
                     (null, "without keys"), (Keys.Ring("2026-08"), "does not know"), (Keys.Wrong("2026-07"), "cannot be decrypted"),
                 })
        {
            using var journal = Journal.Open(directory.Path, PackedJournal.Options with { Keys = keys });
            var failure = Assert.Throws<JournalException>(() => journal.CreateReader().TryRead(out _));
            Assert.Equal((JournalErrorCode.WrongKey, path), (failure.Code, failure.File));
            Assert.Contains(said, failure.Message, StringComparison.Ordinal);
            Assert.Contains(path, failure.Message, StringComparison.Ordinal);
            Assert.Contains("'2026-07'", failure.Message, StringComparison.Ordinal);
            // What is not encrypted yet needs no key, and appends need none.
            using var writer = journal.CreateWriter();
            writer.Append("goes on"u8);
        }

        using var right = Journal.Open(directory.Path, PackedJournal.Options with { Keys = Keys.Ring("2026-07") });
        Assert.Equal(PackedJournal.Count + 3, right.Count());
    }

    [Fact]
    public async Task After_a_rotation_old_files_keep_their_key_and_new_ones_have_the_new_one()
    {
        using var directory = await PackedJournal.CreateAsync(Encrypt, Keys.Ring("old"));
        var old = PackedJournal.Packed(directory.Path);
        using (var journal = Journal.Open(directory.Path, PackedJournal.Options with { Keys = Keys.Ring("old", "new") }))
        {
            await PackedJournal.FillAsync(journal, PackedJournal.Count);
            Assert.True(journal.RunMaintenance(Encrypt).Packed > 0);
            Assert.Equal(Enumerable.Range(0, 2 * PackedJournal.Count), Payload.ReadAll(journal));
        }

        foreach (var path in PackedJournal.Packed(directory.Path))
            Assert.Equal(old.Contains(path) ? "old" : "new", PackedFile.Peek(FileSystems.Default, path).Header.KeyId);
    }

    [Fact]
    public async Task What_was_compressed_only_is_encrypted_once_that_is_asked_for()
    {
        using var directory = await PackedJournal.CreateAsync(PackedJournal.Lz4);
        using var journal = Journal.Open(directory.Path, PackedJournal.Options with { Keys = Keys.Ring("k") });
        using var middle = journal.CreateReader();
        Assert.True(middle.TryRead(out _));
        Assert.Equal(PackedJournal.Packed(directory.Path).Length, journal.RunMaintenance(new JournalMaintenance { Encrypt = true }).Packed);
        Assert.All(journal.GetSegments().SkipLast(1), each => Assert.Equal((JournalCodec.Lz4, "k"), (each.Codec, each.KeyId)));
        for (var i = 1; i < PackedJournal.Count; i++)
            Assert.True(middle.TryRead(out _));
        Assert.Equal(0, journal.RunMaintenance(Encrypt).Packed);
    }

    [Fact]
    public async Task A_header_that_was_changed_with_its_checksums_is_refused()
    {
        using var directory = await PackedJournal.CreateAsync(Encrypt, Keys.Ring("k"));
        var path = PackedJournal.Packed(directory.Path)[0];
        var (header, _) = PackedFile.Peek(FileSystems.Default, path);
        var forged = header with { Segment = header.Segment with { FirstSequence = header.Segment.FirstSequence + 1 } };
        DirectoryState.Overwrite(path, 0, forged.ToBytes());
        var failure = Assert.Throws<JournalException>(() => PackedFile.Open(FileSystems.Default, path, Keys.Ring("k")));
        Assert.Equal(JournalErrorCode.WrongKey, failure.Code);
    }

    [Fact]
    public void Blocks_that_change_places_with_their_checksums_are_refused()
    {
        using var first = Cipher(1);
        using var second = Cipher(2);
        var plain = new byte[1000];
        var stored = new byte[plain.Length + BlockCipher.TagLength];
        first.Encrypt(3, plain, stored);
        Assert.True(first.TryDecrypt(3, stored, plain));
        Assert.False(first.TryDecrypt(4, stored, plain));
        Assert.False(second.TryDecrypt(3, stored, plain));
        Assert.False(first.TryDecrypt(3, stored, plain, new byte[8]));
    }

    /// <summary>Under GCM the same key and nonce give the same stream: two equal blocks would be equal, and others could be
    /// read.</summary>
    [Fact]
    public void Key_and_nonce_are_never_used_twice()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var plain = new byte[64];
        for (var salt = 0; salt < 20; salt++)
        {
            using var cipher = Cipher(salt);
            for (var number = -1L; number < 300; number++)
            {
                var stored = new byte[plain.Length + BlockCipher.TagLength];
                cipher.Encrypt(number, plain, stored);
                Assert.True(seen.Add(Convert.ToHexString(stored, 0, plain.Length)));
            }
        }
    }

    [Fact]
    public void A_file_that_is_packed_twice_has_another_salt_and_other_bytes()
    {
        var segment = new SegmentHeader { JournalId = Guid.NewGuid(), FileLength = 65536, Salt = 1, Created = 0 };
        var header = new PackedHeader { Codec = JournalCodec.Lz4, Segment = segment };
        var salts = Enumerable.Range(0, 100).Select(_ => Convert.ToHexString(SegmentKeys.Encrypted(header, Keys.Ring("k")).Salt));
        Assert.Equal(100, salts.Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [InlineData("", 32)]
    [InlineData("k", 31)]
    public void Keys_that_are_none_are_refused_at_once(string id, int length)
    {
        var key = RandomNumberGenerator.GetBytes(length);
        Assert.Throws<ArgumentException>(() => new JournalKeyRing(id, [KeyValuePair.Create(id, key)]));
        Assert.Throws<ArgumentException>(() => new JournalKeyRing("other", [KeyValuePair.Create("k", new byte[32])]));
        Assert.Throws<ArgumentException>(() => new JournalOptions { Maintenance = Encrypt }.Validated());
    }

    private static BlockCipher Cipher(int salt)
    {
        var bytes = new byte[PackedHeader.SaltLength];
        bytes[0] = (byte)salt;
        return new BlockCipher(SHA256.HashData("key"u8), bytes, new byte[PackedHeader.Length]);
    }
}
