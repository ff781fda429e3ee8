using System.Globalization;
using Comet.Journals;

namespace Comet.Cli.Journals;

/// <summary>Damage of a journal as a line for people.</summary>
internal static class DamageText
{
    public static string Of(JournalDamage damage) => string.Create(CultureInfo.InvariantCulture,
        $"{damage.File} at byte {damage.FilePosition}{Length(damage)}: {damage.Reason}{Sequences(damage)}");

    private static string Length(JournalDamage damage) =>
        damage.Length > 0 ? string.Create(CultureInfo.InvariantCulture, $", {damage.Length} bytes") : "";

    private static string Sequences(JournalDamage damage) => damage switch
    {
        { FirstSequence: null } => "",
        { FirstSequence: var first, EndSequence: null } => string.Create(
            CultureInfo.InvariantCulture, $"; records from sequence {first} on are lost"),
        { FirstSequence: var first, EndSequence: var end } when first < end => string.Create(
            CultureInfo.InvariantCulture, $"; records with sequences {first} to {end - 1} are lost"),
        _ => "; no record is lost",
    };
}
