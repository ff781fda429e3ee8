using Comet.Journals.Indexing;

namespace Comet.Journals.Segments;

/// <summary>
/// The contents of one segment, whatever form it has: mapped while it is hot; unpacked block by block, or decrypted, when it is sealed.
/// Positions are always those of the segment as it was written, so a place stays the same place when a segment is packed or moved. A
/// reader keeps what it has opened: when the file is replaced or deleted, it reads on undisturbed. Used by one thread at a time.
/// </summary>
internal interface ISegmentReader : IDisposable
{
    SegmentHeader Header { get; }

    string Path { get; }

    /// <summary>Whether records may still be published in it; otherwise it ends with an end mark.</summary>
    bool CanGrow { get; }

    /// <summary>The memory that holds the record which begins at a position, and as many after it as are at hand.</summary>
    /// <param name="position">Where a record begins, within the data of the segment.</param>
    /// <exception cref="JournalException">What is stored there cannot be unpacked or decrypted.</exception>
    SegmentWindow Open(long position);

    /// <summary>A position where a record begins from which what is looked for is reached by going on, and not far; the start of the data
    /// when the index has nothing better.</summary>
    long Find(IndexGoal goal);

    /// <summary>The window's bytes as memory that can be kept in a structure: valid as long as the window.</summary>
    ReadOnlyMemory<byte> Slice(long position, int length);
}
