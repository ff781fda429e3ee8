using Comet.Journals.Tests.Support;
using Comet.Tests;

namespace Comet.Journals.Tests.Verification;

/// <summary>Random damage of a journal that was closed in order: each is found by name, none is cut without a word, and what a repair keeps
/// is what is whole.</summary>
public sealed class CorruptionTests
{
    private const int Corruptions = 600;
    private const int RepairEvery = 20;
    private const int SectorLength = 512;

    private static readonly string[] Kinds =
        ["bit", "zeroed sector", "swapped sectors", "foreign sector", "cut file", "foreign file", "garbage"];

    [Fact]
    [TakesLong]
    public void Every_one_of_600_random_corruptions_is_found_and_none_is_cut_silently()
    {
        using var original = new DamagedJournal();
        using var other = new DamagedJournal();
        using var foreign = other.Copy();
        var random = new Random(20261126);
        var (found, harmless) = (0, 0);
        for (var i = 0; i < Corruptions; i++)
        {
            using var directory = original.Copy();
            var kind = Kinds[i % Kinds.Length];
            var file = random.Next(directory.Segments.Length);
            var path = directory.Segments[file];
            var before = File.ReadAllBytes(path);
            Damage(kind, path, random, UsedLength(original, file + 1), foreign.Segments[file]);
            if (File.ReadAllBytes(path).AsSpan().SequenceEqual(before))
            {
                // Two sectors that were the same.
                i--;
                continue;
            }

            var damages = Journal.Verify(directory.Path).Damages;
            if (damages.Count == 0)
            {
                // Nothing was there: a byte that carries no meaning.
                Assert.Equal(Enumerable.Range(0, DamagedJournal.Count), OpenAfterRestart(directory.Path));
                harmless++;
                continue;
            }

            found++;
            Assert.All(damages, each => Assert.Equal(path, each.File));
            AssertNotCutSilently(directory, $"{kind} in {Path.GetFileName(path)}, the {i}th: {damages[0]}");
            if (i % RepairEvery == 0)
                AssertRepairKeepsTheRest(directory, damages);
        }

        Assert.True(found >= 500, $"Only {found} were found, and {harmless} were harmless.");
    }

    /// <summary>Whoever opens and reads it is told, or gets everything.</summary>
    private static void AssertNotCutSilently(TemporaryDirectory damaged, string what)
    {
        using var directory = DirectoryState.Copy(damaged.Path);
        var before = DirectoryState.Of(directory.Path);
        try
        {
            var count = OpenAfterRestart(directory.Path).Count;
            Assert.True(DamagedJournal.Count == count, $"{what}; {count} were left");
        }
        catch (JournalException told)
        {
            Assert.True(told.Code is JournalErrorCode.Corrupt or JournalErrorCode.UnsupportedFormat, $"{what}: {told.Message}");
            var after = DirectoryState.Of(directory.Path);
            Assert.All(before.Split('\n'), line => Assert.True(after.Contains(line, StringComparison.Ordinal),
                $"{what}: {told.Message}\nbefore:\n{before}\nafter:\n{after}"));
        }
    }

    private static void AssertRepairKeepsTheRest(TemporaryDirectory directory, IReadOnlyList<JournalDamage> damages)
    {
        var repair = Journal.Repair(directory.Path);
        Assert.Empty(repair.Remaining);
        var lost = damages.Where(static each => each.FirstSequence is not null)
            .SelectMany(static each => Enumerable.Range(
                (int)each.FirstSequence!, (int)((each.EndSequence ?? DamagedJournal.Count) - each.FirstSequence)));
        Assert.Equal(Enumerable.Range(0, DamagedJournal.Count).Except(lost), OpenAfterRestart(directory.Path));
    }

    private static List<int> OpenAfterRestart(string directory)
    {
        using var journal = Journal.Open(
            new TracedFileSystem { SessionId = Guid.NewGuid() }.Environment, directory, DamagedJournal.Options);
        return Payload.ReadAll(journal);
    }

    private static long UsedLength(DamagedJournal original, int segment) =>
        original.Positions.Last(each => each.Segment == segment).FilePosition + SectorLength;

    private static void Damage(string kind, string path, Random random, long used, string foreign)
    {
        var bytes = File.ReadAllBytes(path);
        var (a, b) = (Sector(random, used), Sector(random, used));
        switch (kind)
        {
            case "bit":
                bytes[random.Next((int)used)] ^= (byte)(1 << random.Next(8));
                break;
            case "zeroed sector":
                bytes.AsSpan(a, SectorLength).Clear();
                break;
            case "swapped sectors":
                var sector = bytes.AsSpan(a, SectorLength).ToArray();
                bytes.AsSpan(b, SectorLength).CopyTo(bytes.AsSpan(a));
                sector.CopyTo(bytes.AsSpan(b));
                break;
            case "foreign sector":
                File.ReadAllBytes(foreign).AsSpan(a, SectorLength).CopyTo(bytes.AsSpan(a));
                break;
            case "cut file":
                bytes = bytes[..random.Next(bytes.Length)];
                break;
            case "foreign file":
                bytes = File.ReadAllBytes(foreign);
                break;
            default:
                random.NextBytes(bytes.AsSpan(a, random.Next(1, SectorLength)));
                break;
        }

        File.WriteAllBytes(path, bytes);
    }

    private static int Sector(Random random, long used) => random.Next((int)(used / SectorLength)) * SectorLength;
}
