using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Verification;

/// <summary>A journal of several segments that was closed in order, to be damaged in copies.</summary>
internal sealed class DamagedJournal : IDisposable
{
    public const int Count = 60;

    public static readonly JournalOptions Options = new() { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 16 * 1024 };

    private readonly TemporaryDirectory _original = new();

    public DamagedJournal()
    {
        using var journal = Journal.Open(_original.Path, Options);
        using var writer = journal.CreateWriter();
        for (var i = 0; i < Count; i++)
            Positions.Add(writer.Append(Payload.Of(i, 900)));
    }

    /// <summary>Where each record is.</summary>
    public List<JournalPosition> Positions { get; } = [];

    public TemporaryDirectory Copy() => DirectoryState.Copy(_original.Path);

    public void Dispose() => _original.Dispose();

    /// <summary>The numbers of the records in a journal of which some may be missing, each checked to be whole.</summary>
    public static List<int> Read(string directory)
    {
        using var journal = Journal.Open(directory, Options);
        return Payload.ReadAll(journal);
    }

    public static void Flip(string file, long position, int bit = 0)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        stream.Position = position;
        var value = (byte)(stream.ReadByte() ^ (1 << bit));
        stream.Position = position;
        stream.WriteByte(value);
    }

    public static void Truncate(string file, long length)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        stream.SetLength(length);
    }
}
