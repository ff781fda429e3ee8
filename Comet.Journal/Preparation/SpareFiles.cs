using System.Globalization;
using Comet.Journals.Control;
using Comet.Journals.FileSystem;

namespace Comet.Journals.Preparation;

/// <summary>The names of spare segments: <c>spare-OWNER-ID.tmp</c>. The owner is the lowest number whose lock nobody holds; it is held as
/// long as the process that makes them has the journal open. Who gets the number of one that was killed deletes what that one left, which
/// is as long as segments are, also while others have the journal open.</summary>
/// <param name="directory">The journal's directory.</param>
/// <param name="environment">Files and chance.</param>
internal sealed class SpareFiles(string directory, JournalEnvironment environment)
{
    private const string Start = "spare-";
    private const string End = ".tmp";

    private readonly Lock _gate = new();
    private IJournalFile? _locks;
    private string? _start;

    public static bool IsOne(string name) =>
        name.StartsWith(Start, StringComparison.Ordinal) && name.EndsWith(End, StringComparison.Ordinal);

    /// <summary>Others may have the journal open from now on: a lock of this file says that the owner lives.</summary>
    public void ShareBy(IJournalFile locks) => _locks = locks;

    /// <summary>The path of a new one.</summary>
    public string Next()
    {
        lock (_gate)
            return Path.Combine(directory, $"{(_locks is { } locks ? _start ??= TakeOwner(locks) : Start)}{environment.NextId():N}{End}");
    }

    private string TakeOwner(IJournalFile locks)
    {
        var owner = 0;
        while (!locks.TryLock(JournalLock.SpareOwners + owner, exclusive: true))
            owner++;
        var start = string.Create(CultureInfo.InvariantCulture, $"{Start}{owner}-");
        foreach (var name in environment.Files.List(directory))
        {
            if (IsOne(name) && name.StartsWith(start, StringComparison.Ordinal))
                environment.Files.Delete(Path.Combine(directory, name));
        }

        return start;
    }
}
