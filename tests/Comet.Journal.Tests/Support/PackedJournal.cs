namespace Comet.Journals.Tests.Support;

/// <summary>Journals of some segments, for tests of what becomes of them.</summary>
internal static class PackedJournal
{
    public const int Count = 300;

    public static JournalOptions Options { get; } = new()
    {
        FirstSegmentLength = 64 * 1024,
        MaxSegmentLength = 192 * 1024,
        RollCycle = RollCycle.BySize
    };

    public static JournalMaintenance Lz4 { get; } = new() { Compression = JournalCodec.Lz4 };

    /// <summary>Appends records from a number on, all of them durable when it returns.</summary>
    public static async Task FillAsync(Journal journal, int first = 0, int count = Count)
    {
        using var writer = journal.CreateWriter();
        for (var i = first; i < first + count; i++)
            writer.Append(Payload.Of(i, 1000));
        await journal.FlushAsync();
    }

    /// <summary>A directory whose sealed segments are packed as asked.</summary>
    public static async Task<TemporaryDirectory> CreateAsync(JournalMaintenance maintenance, IJournalKeyProvider? keys = null)
    {
        var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, Options with { Keys = keys });
        await FillAsync(journal);
        var result = journal.RunMaintenance(maintenance);
        Assert.Empty(result.Failures);
        Assert.InRange(result.Packed, 2, Count);
        return directory;
    }

    public static string[] Packed(string directory) =>
        [.. Directory.GetFiles(directory, "*.journal.packed", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    public static string[] Hot(string directory) =>
        [.. Directory.GetFiles(directory, "*.journal").Order(StringComparer.Ordinal)];

    /// <summary>Nothing unfinished is left, and every segment is there once.</summary>
    public static void AssertTidy(params string[] directories)
    {
        var names = directories.SelectMany(directory => Directory.GetFiles(directory)).Select(file => Path.GetFileName(file)).ToList();
        Assert.DoesNotContain(names, name => name.EndsWith(".tmp", StringComparison.Ordinal)
            && !name.StartsWith("spare-", StringComparison.Ordinal));
        var segments = names
            .Where(name => name.Contains(".journal", StringComparison.Ordinal) && !name.EndsWith(".tmp", StringComparison.Ordinal))
            .Select(name => name.Replace(".packed", "", StringComparison.Ordinal)).ToList();
        Assert.Equal(segments.Distinct().Count(), segments.Count);
    }
}
