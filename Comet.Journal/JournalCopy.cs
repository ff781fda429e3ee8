namespace Comet.Journals;

/// <summary>What was copied of a journal.</summary>
/// <param name="LastSequence">The sequence of the last record in the copy; one less than the first one's when there is none.</param>
/// <param name="Files">The files of the copy, by name, all in its own directory.</param>
public sealed record JournalCopy(long LastSequence, IReadOnlyList<JournalCopyFile> Files);

/// <summary>A file of a copied journal.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Length">How long it is.</param>
/// <param name="IsLinked">Whether it is the same file as the journal's, with a second name (a hard link), because nobody writes it any
/// more. Otherwise it was copied.</param>
public sealed record JournalCopyFile(string Name, long Length, bool IsLinked);
