using System.Security.Cryptography;
using Comet.Journals.Background;
using Comet.Journals.FileSystem;

namespace Comet.Journals.Control;

/// <summary>What a journal takes from the world beside its clock: files, chance and threads. A simulation gives its own.</summary>
internal sealed record JournalEnvironment(IFileSystem Files, Func<Guid> NextId, Func<uint> NextSalt)
{
    public IBackgroundQueue Background { get; init; } = BackgroundThreads.Shared;

    public static JournalEnvironment Default { get; } = new(FileSystems.Default, Guid.NewGuid, NewSalt);

    private static uint NewSalt() => BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));
}
