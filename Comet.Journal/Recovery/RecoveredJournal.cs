using Comet.Journals.Segments;

namespace Comet.Journals.Recovery;

/// <summary>Where a journal goes on after recovery. All before is durable.</summary>
/// <param name="Place">The active segment and the first free position in it.</param>
/// <param name="NextSequence">The next sequence.</param>
/// <param name="FirstSequence">The first sequence of the active segment.</param>
/// <param name="CutBytes">How many bytes were cut, which had never been confirmed as durable.</param>
internal sealed record RecoveredJournal(JournalPlace Place, long NextSequence, long FirstSequence, long CutBytes);
