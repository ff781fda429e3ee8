using Comet.Server.Broker;
using Comet.Server.Storage;
using Comet.Server.Storage.Local;
using CsCheck;

namespace Comet.Server.Tests.Storage.Local;

/// <summary>Runs of what waits for its time, in files.</summary>
public sealed class DelayRunTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DelayWorkers _workers = new();
    private readonly LocalDelayFiles _files;
    private int _damaged;

    public DelayRunTests() => _files = new(_folder["delays"], _workers, () => _damaged++);

    public void Dispose()
    {
        _workers.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void What_is_written_is_found_by_time_and_by_key() =>
        Gen.Select(Gen.Int[0, 1_500], Gen.Int[1, 2_000], Gen.Int[1, 400], Gen.Int[0, 1 << 20]).Sample((count, times, keys, seed) =>
        {
            var content = Make(count, times, keys, seed);
            var expected = content.Waiting.Order(DueOrder.Ascending).ToArray();
            var run = _files.Write(new([.. content.Waiting], [.. content.Keys]));
            Assert.Equal((count, content.Keys.Length), (run.Name.Count, run.Name.KeyCount));
            Assert.Equal(expected, ReadAll(run, 1 + (seed % 700)));
            for (var due = -1L; due <= times; due += 1 + (seed % 50))
                Assert.Equal(expected.Count(entry => entry.Due < due), run.IndexOf(due));
            Assert.Equal(count, run.IndexOf(long.MaxValue));
            for (var hash = 0; hash < keys; hash += 1 + (seed % 30))
                Assert.Equal(OffsetsOf(content, hash), Keyed(run, hash));
            Assert.NotNull(_files.Open(run.Name));
            Assert.Null(_files.Open(run.Name with { Count = run.Name.Count + 1 }));
            _files.Remove([run]);
            Assert.Null(_files.Open(run.Name));
        }, iter: 60, threads: 1);

    [Fact]
    public void Merged_runs_hold_what_is_wanted_of_each()
    {
        var contents = Enumerable.Range(0, 4).Select(static i => Make(700 * i, 5_000, 50, i)).ToArray();
        var wanted = new OffsetBits();
        for (var offset = 0; offset < 3_000; offset += 3)
            wanted.Add(offset);
        IDelayRun[] runs = [.. contents.Select(c => _files.Write(new([.. c.Waiting], [.. c.Keys])))];
        var merged = _files.Merge(runs, wanted)!;
        var expected = contents.SelectMany(static c => c.Waiting).Where(e => wanted.Contains(e.Offset)).Order(DueOrder.Ascending);
        Assert.Equal(expected, ReadAll(merged, 1_000));
        for (var hash = 0; hash < 50; hash++)
            Assert.Equal(contents.SelectMany(c => OffsetsOf(c, hash)).Where(wanted.Contains).Order(), Keyed(merged, hash).Order());
        Assert.Null(_files.Merge(runs, new()));
        _files.RemoveAllBut([merged.Name]);
        Assert.Single(Directory.EnumerateFiles(_folder["delays"]));
    }

    [Fact]
    public void What_is_damaged_is_told_and_not_believed()
    {
        var content = Make(1_000, 5_000, 100, 1);
        var run = _files.Write(new([.. content.Waiting], [.. content.Keys]));
        var path = Assert.Single(Directory.EnumerateFiles(_folder["delays"]));
        var whole = File.ReadAllBytes(path);
        for (var at = 0; at < whole.Length; at += 1_111)
        {
            File.WriteAllBytes(path, [.. whole[..at], (byte)(whole[at] ^ 1), .. whole[(at + 1)..]]);
            var before = _damaged;
            if (_files.Open(run.Name) is null)
                continue;
            var refusal = Assert.Throws<CometException>(() =>
            {
                ReadAll(run, 500);
                _files.Merge([run], new());
            });
            Assert.Equal((ErrorCode.StorageFailed, before + 1), (refusal.Code, _damaged));
            Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        }
        File.WriteAllBytes(path, whole[..^1]);
        Assert.Null(_files.Open(run.Name));
        File.Delete(path);
        Assert.Null(_files.Open(run.Name));
        Assert.Throws<CometException>(() => run.IndexOf(5));
    }

    [Fact]
    public void Two_blocks_that_have_changed_places_are_noticed()
    {
        var content = Make(1_000, 5_000, 100, 1);
        var run = _files.Write(new([.. content.Waiting], [.. content.Keys]));
        var path = Assert.Single(Directory.EnumerateFiles(_folder["delays"]));
        var bytes = File.ReadAllBytes(path);
        var (first, second) = (bytes[4096..8192], bytes[8192..12288]);
        second.CopyTo(bytes, 4096);
        first.CopyTo(bytes, 8192);
        File.WriteAllBytes(path, bytes);
        Assert.Throws<CometException>(() => ReadAll(run, 500));
    }

    private static DelayRunContent Make(int count, int times, int keys, int seed)
    {
        var random = new Random(seed);
        DueOffset[] waiting = [.. Enumerable.Range(0, count).Select(i => new DueOffset(random.Next(times), i))];
        return new(waiting, [.. waiting.Where(static e => e.Offset % 3 > 0).Select(e => new KeyedOffset(random.Next(keys), e.Offset))]);
    }

    private static IEnumerable<long> OffsetsOf(DelayRunContent content, int hash) =>
        content.Keys.Where(k => k.Hash == hash).Select(static k => k.Offset).Order();

    private static List<long> Keyed(IDelayRun run, int hash)
    {
        var found = new List<long>();
        run.CopyKeyed(hash, found);
        return found;
    }

    private static List<DueOffset> ReadAll(IDelayRun run, int window)
    {
        var (all, buffer) = (new List<DueOffset>(), new DueOffset[window]);
        for (var at = 0L; run.Read(at, buffer) is > 0 and var count; at += count)
            all.AddRange(buffer.AsSpan(0, count));
        return all;
    }
}
