using System.Security.Cryptography;
using Comet.Server.Storage;
using Comet.Server.Storage.Local;
using Comet.Server.Storage.Memory;
using Comet.Server.Tests.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Storage.Local;

public sealed class LocalPartitionLogTests : IDisposable
{
    private static readonly FencingToken s_fence = new(7);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeRecord _record = new();
    private readonly MemoryBudget _budget = new(1 << 20);
    private string _partition;

    public LocalPartitionLogTests() => _partition = _folder["partition"];

    public void Dispose() => _folder.Dispose();

    /// <summary>A confirm before the flush is what loses messages in a power cut, which no test of a killed process can see.</summary>
    [Fact]
    public async Task Nothing_is_stable_at_level_Disk_before_the_flush_has_returned()
    {
        var flush = new TaskCompletionSource();
        using var log = Open(() => new(flush.Task));
        Append(log, 3);
        var commit = log.CommitAsync(s_fence, CancellationToken.None).AsTask();
        Append(log, 2);
        Assert.Equal((0, 0), (log.StableOffset, log.ReachedOffset(Durability.Disk)));
        flush.SetResult();
        await commit;
        Assert.Equal((3, 5), (log.StableOffset, log.EndOffset));
    }

    [Fact]
    public async Task A_flush_that_fails_makes_nothing_stable()
    {
        using var log = Open(static () => ValueTask.FromException(new IOException("the disk is gone")));
        Append(log, 3);
        await Assert.ThrowsAsync<IOException>(() => log.CommitAsync(s_fence, CancellationToken.None).AsTask());
        Assert.Equal((0, 3), (log.StableOffset, log.EndOffset));
    }

    [Fact]
    public async Task At_level_Os_all_is_stable_that_is_appended_once_the_partition_can_be_found_again()
    {
        var opening = new TaskCompletionSource();
        _record.Opening = opening.Task;
        using var log = Open();
        log.Durability = Durability.Memory;
        Assert.Equal(Durability.Os, log.Durability);
        Append(log, 3);
        Assert.Equal(0, log.StableOffset);
        var commit = log.CommitAsync(s_fence, CancellationToken.None).AsTask();
        Assert.Equal(0, log.StableOffset);
        opening.SetResult();
        await commit;
        Append(log, 2);
        Assert.Equal((5, 3), (log.StableOffset, log.ReachedOffset(Durability.Disk)));
        log.Durability = Durability.None;
        Assert.Equal((Durability.Disk, 3), (log.Durability, log.StableOffset));
    }

    [Fact]
    public async Task It_rests_only_when_all_is_durable_and_is_the_same_afterwards()
    {
        using var log = Open();
        Append(log, 3);
        log.Rest();
        Assert.True(log.IsOpen);
        await log.CommitAsync(s_fence, CancellationToken.None);
        log.Rest();
        Assert.Equal((false, 0, "opened marked closed"), (log.IsOpen, log.TailBytes, string.Join(' ', _record.Calls)));
        Assert.True(log.TryRead(1, out var stored));
        Assert.Equal((0, 2), (stored.BaseOffset, stored.LastOffset));
        Append(log, 2);
        Assert.Equal((3, 5), (log.StableOffset, log.EndOffset));
        await log.CommitAsync(s_fence, CancellationToken.None);
        Assert.Equal((5, "opened marked closed opened marked"), (log.StableOffset, string.Join(' ', _record.Calls)));
    }

    [Fact]
    public async Task What_was_stable_at_level_Os_stays_so_over_a_rest()
    {
        using var log = Open();
        log.Durability = Durability.Os;
        Append(log, 1);
        await log.CommitAsync(s_fence, CancellationToken.None);
        Append(log, 2);
        Assert.Equal(3, log.StableOffset);
        await log.CommitAsync(s_fence, CancellationToken.None);
        log.Rest();
        Assert.Equal((false, 3), (log.IsOpen, log.StableOffset));
        Assert.True(log.TryRead(0, out _));
        Append(log, 1);
        Assert.Equal(3, log.StableOffset);
        await log.CommitAsync(s_fence, CancellationToken.None);
        Assert.Equal(4, log.StableOffset);
    }

    [Fact]
    public void Without_room_an_append_is_refused_and_changes_nothing()
    {
        using var log = Open();
        Append(log, 1);
        _record.HasRoom = false;
        var batch = Batches.Make("p", 1, 1);
        Assert.False(log.TryAppend(s_fence, batch, RecordBatch.Open(batch), 1));
        Assert.Equal((1, "the disk is full"), (log.EndOffset, log.NoRoom));
        _record.HasRoom = true;
        Append(log, 1);
        Assert.Equal(2, log.EndOffset);
    }

    [Fact]
    public void An_earlier_owner_appends_nothing_any_more()
    {
        using (var log = Open())
            Append(log, 1);
        using var later = Open();
        var batch = Batches.Make("p", 1, 1);
        var refusal = Assert.Throws<CometException>(() => later.TryAppend(new FencingToken(6), batch, RecordBatch.Open(batch), 1));
        Assert.Equal((ErrorCode.NotOwner, 1), (refusal.Code, later.EndOffset));
    }

    [Fact]
    public async Task What_is_truncated_leaves_the_disk_by_whole_segments()
    {
        using var log = Open();
        for (var i = 0; i < 400; i++)
            Append(log, 1, 5_000);
        await log.CommitAsync(s_fence, CancellationToken.None);
        var before = DiskBytes();
        log.TruncateBefore(s_fence, 390);
        Assert.InRange(DiskBytes(), 1, before / 2);
        Assert.Equal((390, 400), (log.StartOffset, log.EndOffset));
    }

    [Fact]
    public async Task What_is_needed_to_recover_stays_on_the_disk_though_it_was_dropped()
    {
        using var log = Open();
        log.Keep(0);
        for (var i = 0; i < 400; i++)
            Append(log, 1, 5_000);
        await log.CommitAsync(s_fence, CancellationToken.None);
        var before = DiskBytes();
        log.TruncateBefore(s_fence, 390);
        Assert.Equal((390, before, true), (log.StartOffset, DiskBytes(), log.HoldsBack));
        Assert.True(log.TryRead(0, out var batch) && batch.BaseOffset == 390);
        for (var at = 0; at < 400; at++)
            Assert.True(log.TryReadKept(at, out batch) && batch.BaseOffset == at);
        log.Keep(200);
        Assert.InRange(DiskBytes(), before / 3, before * 2 / 3);
        Assert.True(log.HoldsBack && log.TryReadKept(200, out batch) && batch.BaseOffset == 200);
        log.Keep(400);
        Assert.False(log.HoldsBack);
        Assert.InRange(DiskBytes(), 1, before / 4);
    }

    /// <summary>The end of a log is what its last record says, so that one stays, whatever was dropped.</summary>
    [Fact]
    public async Task Offsets_are_not_used_twice_when_all_was_dropped_between_two_crashes()
    {
        const int Count = 60;
        using (var log = Open())
        {
            for (var i = 0; i < Count; i++)
                Append(log, 1, 5_000);
            await log.CommitAsync(s_fence, CancellationToken.None);
            Crash();
        }
        _record.EndOffset = 0;
        using (var recovered = Open())
        {
            recovered.TruncateBefore(s_fence, Count);
            Assert.Equal((Count, Count), (recovered.StartOffset, recovered.EndOffset));
            Crash();
        }
        _record.EndOffset = 0;
        // Where the log begins is saved without haste.
        _record.StartOffset = 0;
        using var again = Open();
        Assert.Equal(Count, again.EndOffset);
    }

    [Fact]
    public async Task A_log_that_ends_before_it_was_closed_is_refused_until_somebody_accepts_it()
    {
        var earlier = "";
        for (var i = 0; i < 2; i++)
        {
            using (var log = Open())
            {
                Append(log, 5);
                await log.CommitAsync(s_fence, CancellationToken.None);
            }
            if (i == 0)
                earlier = _folder.Copy(_folder["partition"]);
        }
        Assert.Equal(10, _record.EndOffset);
        _partition = earlier;
        using (var cut = Open())
        {
            var refusal = Assert.Throws<CometException>(() => cut.EndOffset);
            Assert.Contains("ends at message 5, and was closed at message 10", refusal.Message, StringComparison.Ordinal);
        }

        // Unless somebody says that it may, once.
        Assert.Equal(10, _record.EndOffset);
        var acceptance = Path.Combine(_partition, "accept-cut");
        await File.WriteAllTextAsync(acceptance, "");
        using (var accepted = Open())
            Assert.Equal(5, accepted.EndOffset);
        Assert.Equal((5, false), (_record.EndOffset, File.Exists(acceptance)));
    }

    /// <summary>Recovery would clear away what comes behind the damage: it looks like a torn tail.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_log_that_is_refused_is_left_as_it_is(bool isAfterRestart)
    {
        using (var log = Open())
        {
            for (var i = 0; i < 10; i++)
                Append(log, 1);
            await log.CommitAsync(s_fence, CancellationToken.None);
        }
        const int FirstRecord = 4096;
        var segment = Directory.GetFiles(_partition, "*.journal").Single();
        var bytes = await File.ReadAllBytesAsync(segment);
        var used = bytes.AsSpan().LastIndexOfAnyExcept((byte)0) + 1;
        var half = (FirstRecord + used) / 2;
        new Random(3).NextBytes(bytes.AsSpan(half, used - half));
        await File.WriteAllBytesAsync(segment, bytes);
        if (isAfterRestart)
            Crash();

        var before = State();
        using (var refused = Open())
            Assert.ThrowsAny<Exception>(() => refused.EndOffset);
        Assert.Equal(before, State());

        if (!isAfterRestart)
            return;

        // What somebody accepts is opened as far as it goes.
        await File.WriteAllTextAsync(Path.Combine(_partition, "accept-cut"), "");
        using var accepted = Open();
        Assert.InRange(accepted.EndOffset, 1, 9);

        List<string> State() => [.. Directory.GetFiles(_partition).Order(StringComparer.Ordinal).Select(
            static file => $"{file} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}")];
    }

    [Fact]
    public void A_journal_that_holds_something_else_is_refused()
    {
        using (var journal = Journals.Journal.Open(_folder["partition"]))
        {
            using var writer = journal.CreateWriter();
            writer.Append("not a batch"u8);
        }
        using var log = Open();
        var refusal = Assert.Throws<CometException>(() => log.EndOffset);
        Assert.Contains(_folder["partition"], refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prepared_commit_makes_durable_what_was_there_when_it_was_prepared()
    {
        using var log = Open();
        Append(log, 1);
        // The first one waits for the metadata as well.
        Assert.False(log.TryPrepareCommit(s_fence));
        await log.CommitAsync(s_fence, CancellationToken.None);
        Append(log, 1);
        Assert.True(log.TryPrepareCommit(s_fence));
        Append(log, 1);
        Assert.Equal(1, log.StableOffset);
        await Task.Run(log.CommitPrepared);
        Assert.Equal(2, log.StableOffset);
        await log.CommitAsync(s_fence, CancellationToken.None);
        Assert.Equal(3, log.StableOffset);
    }

    [Fact]
    public void It_has_no_files_before_its_first_message_and_cannot_lose_them_unnoticed()
    {
        using (var log = Open())
        {
            Assert.Equal((0, 0, 0), (log.StartOffset, log.EndOffset, log.Bytes));
            Assert.False(log.TryRead(0, out _));
            Assert.False(Directory.Exists(_folder["partition"]));
            Append(log, 1);
            Assert.True(Directory.Exists(_folder["partition"]));
        }
        Directory.Delete(_folder["partition"], recursive: true);
        _record.HasFiles = true;
        using var lost = Open();
        Assert.Contains("is gone", Assert.Throws<CometException>(() => lost.EndOffset).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_deleted_log_leaves_no_files()
    {
        using var log = Open();
        Append(log, 1);
        log.Delete();
        Assert.False(Directory.Exists(_folder["partition"]));
        Assert.Equal("opened closed deleted", string.Join(' ', _record.Calls));
    }

    private LocalPartitionLog Open(Func<ValueTask>? flush = null)
    {
        var options = new LocalStorageOptions { Directory = _folder.Path, MaxSegmentLength = 128 * 1024 };
        return flush is null
            ? new(_partition, options, _budget, _record)
            : new(_partition, options, _budget, _record) { Flush = _ => flush() };
    }

    /// <summary>Goes on with the files as they are now, as after a crash of the machine. What processes share means nothing then.</summary>
    private void Crash()
    {
        _partition = _folder.Copy(_partition);
        File.Delete(Path.Combine(_partition, "journal.control"));
    }

    private long DiskBytes() => Directory.EnumerateFiles(_folder["partition"]).Sum(static file => new FileInfo(file).Length);

    private static void Append(LocalPartitionLog log, int count, int padding = 0)
    {
        var batch = Batches.Make("p", log.EndOffset, count, padding);
        Assert.True(log.TryAppend(s_fence, batch, RecordBatch.Open(batch), 1));
    }
}
