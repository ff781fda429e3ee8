using System.Globalization;

namespace Comet.Server.Tests;

/// <summary>How many cases property tests try. The environment variable COMET_CASES multiplies all of them; CI leaves it at 1, which makes
/// more than 100,000 over the suite.</summary>
internal static class Cases
{
    private static readonly double s_factor = double.TryParse(
        Environment.GetEnvironmentVariable("COMET_CASES"), NumberStyles.Float, CultureInfo.InvariantCulture, out var factor) ? factor : 1;

    public static int Of(int count) => Math.Max(1, (int)(count * s_factor));
}
