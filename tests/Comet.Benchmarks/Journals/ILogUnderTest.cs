namespace Comet.Benchmarks.Journals;

/// <summary>A log that is measured: what all of them can do, so that all are driven by the same loops.</summary>
internal interface ILogUnderTest : IDisposable
{
    /// <summary>The byte that is counted: looking for it reads every byte of a record.</summary>
    const byte Mark = 1;

    string Name { get; }

    void Append(ReadOnlySpan<byte> record);

    /// <summary>Reads the next record and returns how often it has the <see cref="Mark"/>; -1 when there is none.</summary>
    int ReadNext();

    /// <summary>Reads all records that are left and returns how often they have the <see cref="Mark"/>.</summary>
    long ReadAll();

    /// <summary>Reads again from the first record.</summary>
    void Rewind();

    /// <summary>Returns when all that was appended is durable.</summary>
    void Commit();
}
