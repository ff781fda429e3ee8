using System.Security.Cryptography;
using System.Text;

namespace Comet.Journals.Tests.Support;

/// <summary>Keys made from their ids.</summary>
internal static class Keys
{
    public static JournalKeyRing Ring(params string[] ids) => new(ids[^1], ids.Select(id => KeyValuePair.Create(id, Of(id))));

    /// <summary>The id with a key that is another one than everywhere else.</summary>
    public static JournalKeyRing Wrong(string id) => new(id, [KeyValuePair.Create(id, Of(id + " but not that one"))]);

    public static byte[] Of(string id) => SHA256.HashData(Encoding.UTF8.GetBytes(id));
}
