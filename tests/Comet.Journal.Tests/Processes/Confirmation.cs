using System.Globalization;

namespace Comet.Journals.Tests.Processes;

/// <summary>What a child says of a record that was confirmed, and when that was: by a clock that all processes of the machine
/// share.</summary>
internal readonly record struct Confirmation(int Number, long Time)
{
    public static bool TryParse(string line, out Confirmation confirmation)
    {
        confirmation = default;
        if (line.Split(' ') is not [var number, var time]
            || !int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed))
            return false;

        confirmation = new Confirmation(parsed, long.Parse(time, CultureInfo.InvariantCulture));
        return true;
    }

    public static Confirmation Parse(string line) =>
        TryParse(line, out var confirmation) ? confirmation : throw new FormatException($"'{line}' confirms nothing.");

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Number} {Time}");
}
