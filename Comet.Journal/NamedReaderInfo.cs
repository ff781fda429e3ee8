namespace Comet.Journals;

/// <summary>What is known of a named reader, whoever has it open.</summary>
/// <param name="Name">Its name.</param>
/// <param name="NextSequence">The first sequence it has not dealt with.</param>
/// <param name="Committed">When its place was changed last.</param>
/// <param name="IsOpen">Whether somebody has it open.</param>
public sealed record NamedReaderInfo(string Name, long NextSequence, DateTimeOffset Committed, bool IsOpen);
