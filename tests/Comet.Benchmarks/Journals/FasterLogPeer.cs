using FASTER.core;

namespace Comet.Benchmarks.Journals;

/// <summary>FasterLog of Microsoft.FASTER.Core: 64 MiB of memory pages in front of a file; readers follow what is not committed.</summary>
internal sealed class FasterLogPeer : ILogUnderTest
{
    private const int MemoryBits = 26;
    private const int PageBits = 22;

    private readonly FasterLogSettings _settings;
    private readonly FasterLog _log;
    private FasterLogScanIterator _iterator;

    public FasterLogPeer(string directory, bool withChecksums = false)
    {
        Name = withChecksums ? "fasterlog + checksums" : "fasterlog";
        _settings = new FasterLogSettings(directory)
        {
            MemorySizeBits = MemoryBits,
            PageSizeBits = PageBits,
            AutoRefreshSafeTailAddress = true,
            LogChecksum = withChecksums ? LogChecksumType.PerEntry : LogChecksumType.None,
        };
        _log = new FasterLog(_settings);
        _iterator = Scan();
    }

    public string Name { get; }

    public void Append(ReadOnlySpan<byte> record) => _log.Enqueue(record);

    public unsafe int ReadNext()
    {
        if (!_iterator.UnsafeGetNext(out var entry, out var length, out _, out _))
            return -1;
        var sum = new ReadOnlySpan<byte>(entry, length).Count(ILogUnderTest.Mark);
        _iterator.UnsafeRelease();
        return sum;
    }

    public long ReadAll()
    {
        var sum = 0L;
        for (int next; (next = ReadNext()) >= 0;)
            sum += next;
        return sum;
    }

    public void Rewind()
    {
        _iterator.Dispose();
        _iterator = Scan();
    }

    public void Commit() => _log.Commit(spinWait: true);

    public void Dispose()
    {
        _iterator.Dispose();
        _log.Dispose();
        _settings.Dispose();
    }

    private FasterLogScanIterator Scan() => _log.Scan(_log.BeginAddress, long.MaxValue, recover: false, scanUncommitted: true);
}
