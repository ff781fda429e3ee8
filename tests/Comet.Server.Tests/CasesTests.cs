using System.Reflection;

namespace Comet.Server.Tests;

/// <summary>That CI tries as many cases as is said.</summary>
public sealed class CasesTests
{
    private const long AtLeast = 100_000;

    [Fact]
    public void CI_tries_at_least_a_hundred_thousand_cases()
    {
        var cases = (
            from type in typeof(CasesTests).Assembly.GetTypes()
            from method in type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            let count = Cases.Of(method)
            where count > 0
            orderby count descending
            select (Name: $"{type.Name}.{method.Name}", Count: count)).ToList();
        foreach (var (name, count) in cases)
            TestContext.Current.TestOutputHelper!.WriteLine($"{count,8} {name}");
        Assert.InRange(cases.Sum(static c => c.Count), AtLeast, long.MaxValue);
    }
}
