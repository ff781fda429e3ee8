namespace Comet.Journals.Preparation;

/// <summary>How much of a spare segment is to be ready before it is needed.</summary>
/// <param name="To">Pages before this position.</param>
/// <param name="Fills">Whether zeros are written into the file first.</param>
internal readonly record struct SpareGoal(long To, bool Fills);
