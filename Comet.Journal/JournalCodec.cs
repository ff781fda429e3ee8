namespace Comet.Journals;

/// <summary>How sealed segments are compressed. The numbers are on disk.</summary>
public enum JournalCodec
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>LZ4, by blocks of 64 KiB: fast, and smaller than Snappy on text.</summary>
    Lz4 = 1,

    /// <summary>Snappy, by blocks of 64 KiB.</summary>
    Snappy = 2
}
