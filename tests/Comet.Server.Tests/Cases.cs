using System.Globalization;
using System.Reflection;
using Xunit.v3;

namespace Comet.Server.Tests;

/// <summary>How many cases a property test tries; in a theory, for each row.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CasesAttribute(int count) : Attribute
{
    public int Count { get; } = count;
}

/// <summary>How many cases property tests try. The environment variable COMET_CASES multiplies all of them; CI leaves it at 1.</summary>
internal static class Cases
{
    private static readonly double s_factor = double.TryParse(
        Environment.GetEnvironmentVariable("COMET_CASES"), NumberStyles.Float, CultureInfo.InvariantCulture, out var factor) ? factor : 1;

    /// <summary>So many as the test that runs says.</summary>
    public static int OfThisTest => TestContext.Current.TestMethod is IXunitTestMethod { Method: var method }
        && method.GetCustomAttribute<CasesAttribute>() is { } cases
        ? Math.Max(1, (int)(cases.Count * s_factor))
        : throw new InvalidOperationException($"The test does not say how many cases it tries: give it [Cases(…)].");

    /// <summary>What a method tries with a factor of 1.</summary>
    public static long Of(MethodInfo method) => method.GetCustomAttribute<CasesAttribute>() is { } cases
        ? (long)cases.Count * Math.Max(1, method.GetCustomAttributes<InlineDataAttribute>().Count())
        : 0;
}
