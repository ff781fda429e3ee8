using Comet.Journals;

namespace Comet.Benchmarks.Journals;

/// <summary>Comet.Journal: checksums are made at each append, and checked at each read unless told otherwise.</summary>
internal sealed class CometLog : ILogUnderTest
{
    private readonly Journal _journal;
    private readonly JournalWriter _writer;
    private JournalReader _reader;

    public CometLog(string directory, bool verifies = true)
    {
        _journal = Journal.Open(directory, new JournalOptions { VerifyChecksums = verifies });
        _writer = _journal.CreateWriter();
        _reader = _journal.CreateReader();
    }

    public string Name => "comet";

    public void Append(ReadOnlySpan<byte> record) => _writer.Append(record);

    public int ReadNext() => _reader.TryRead(out var record) ? record.Payload.Count(ILogUnderTest.Mark) : -1;

    public long ReadAll()
    {
        var sum = 0L;
        while (_reader.TryRead(out var record))
            sum += record.Payload.Count(ILogUnderTest.Mark);
        return sum;
    }

    public void Rewind()
    {
        _reader.Dispose();
        _reader = _journal.CreateReader();
    }

    public void Commit() => _journal.FlushAsync().AsTask().GetAwaiter().GetResult();

    public void AppendDurable(ReadOnlySpan<byte> record) => _writer.Append(record, JournalDurability.Disk);

    public void Dispose()
    {
        _reader.Dispose();
        _writer.Dispose();
        _journal.Dispose();
    }
}
