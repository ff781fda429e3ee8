using System.Security.Cryptography;
using Comet.Journals.Background;
using Comet.Journals.FileSystem;
using Comet.Journals.Maintenance;
using Comet.Journals.Preparation;

namespace Comet.Journals.Control;

/// <summary>What a journal takes from the world beside its clock: files, chance and threads. A simulation gives its own.</summary>
internal sealed record JournalEnvironment(IFileSystem Files, Func<Guid> NextId, Func<uint> NextSalt)
{
    public IBackgroundQueue Background { get; init; } = BackgroundThreads.Shared;

    /// <summary>For maintenance, which takes long: it must not take the threads of flushes.</summary>
    public IBackgroundQueue Maintenance { get; init; } = BackgroundThreads.Maintenance;

    /// <summary>How many bytes are prepared for writers who are not known to be any faster.</summary>
    public long LeastAhead { get; init; } = PagePreparer.LeastAhead;

    /// <summary>Where an open journal tells what happens to its segments.</summary>
    public JournalEvents Events { get; init; } = JournalEvents.None;

    public static JournalEnvironment Default { get; } = new(FileSystems.Default, Guid.NewGuid, NewSalt);

    private static uint NewSalt() => BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));
}
