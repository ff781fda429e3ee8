namespace Comet.Journals.Records;

/// <summary>What a record is for. The numbers are on disk.</summary>
internal enum RecordKind
{
    /// <summary>Nothing has been published there yet.</summary>
    None = 0,

    /// <summary>What a user appended.</summary>
    Data = 1,

    /// <summary>The claim of a writer that died or gave up: readers pass it.</summary>
    Padding = 2,

    /// <summary>The segment ends here; the body is the first sequence of the next one.</summary>
    End = 3,

    /// <summary>Says up to where the journal had been made durable when it was written.</summary>
    Mark = 4
}
