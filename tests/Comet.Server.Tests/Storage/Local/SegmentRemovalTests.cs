using Comet.Server.Storage;
using Comet.Server.Storage.Local;
using Comet.Server.Storage.Memory;
using Comet.Server.Tests.Broker;
using Comet.Wire;

namespace Comet.Server.Tests.Storage.Local;

/// <summary>The removal of segments on another thread, which the test is.</summary>
public sealed class SegmentRemovalTests : IDisposable
{
    private static readonly FencingToken s_fence = new(7);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeRecord _record = new() { IsDiskHeld = true };
    private readonly LocalPartitionLog _log;

    public SegmentRemovalTests()
    {
        _log = new LocalPartitionLog(_folder["partition"],
            new LocalStorageOptions { Directory = _folder.Path, MaxSegmentLength = 64 * 1024 }, new MemoryBudget(1 << 20), _record);
        for (var i = 0; i < 100; i++)
        {
            var batch = Batches.Make("p", _log.EndOffset, 1, 10_000);
            Assert.True(_log.TryAppend(s_fence, batch, RecordBatch.Open(batch), 1));
        }
        Assert.True(_log.CommitAsync(s_fence, CancellationToken.None).AsTask().Wait(TimeSpan.FromSeconds(20)));
    }

    public void Dispose()
    {
        _log.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void What_is_dropped_is_gone_for_readers_at_once_and_on_the_disk_when_it_has_time()
    {
        var before = DiskBytes();
        _log.TruncateBefore(s_fence, 90);
        Assert.Equal(90, _log.StartOffset);
        Assert.Equal(before, DiskBytes());
        // One at a time: what else is dropped meanwhile goes with the next.
        _log.TruncateBefore(s_fence, 99);
        _record.Waiting.Dequeue()();
        Assert.Empty(_record.Waiting);
        Assert.InRange(DiskBytes(), 1, before / 2);
        Assert.True(_log.TryRead(99, out _));
    }

    [Fact]
    public void A_closed_partition_loses_nothing_any_more()
    {
        var before = DiskBytes();
        _log.TruncateBefore(s_fence, 90);
        _log.Dispose();
        var closed = DiskBytes();
        _record.Waiting.Dequeue()();
        Assert.Equal(closed, DiskBytes());
        Assert.InRange(closed, before / 2, long.MaxValue);
    }

    [Fact]
    public void A_partition_that_rests_meanwhile_has_no_failure_and_removes_the_next_time()
    {
        _log.TruncateBefore(s_fence, 50);
        _log.Rest();
        _record.Waiting.Dequeue()();
        var before = DiskBytes();
        _log.TruncateBefore(s_fence, 90);
        _record.Waiting.Dequeue()();
        Assert.InRange(DiskBytes(), 1, before * 3 / 4);
    }

    [Fact]
    public void A_failure_is_told_to_the_owner()
    {
        _log.TruncateBefore(s_fence, 50);
        Directory.Delete(_folder["partition"], recursive: true);
        _record.Waiting.Dequeue()();
        Assert.Contains(_folder["partition"],
            Assert.ThrowsAny<Exception>(() => _log.TruncateBefore(s_fence, 51)).Message, StringComparison.Ordinal);
    }

    private long DiskBytes() => Directory.EnumerateFiles(_folder["partition"]).Sum(static file => new FileInfo(file).Length);
}
