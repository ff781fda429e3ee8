using System.CommandLine;

namespace Comet.Cli.Commands;

/// <summary>The names that subscription types have on the command line.</summary>
internal static class SubscriptionTypes
{
    private static readonly Dictionary<string, SubscriptionType> s_types = new(StringComparer.Ordinal)
    {
        ["exclusive"] = SubscriptionType.Exclusive,
        ["shared"] = SubscriptionType.Shared,
        ["failover"] = SubscriptionType.Failover,
        ["key-shared"] = SubscriptionType.KeyShared,
    };

    /// <summary>An option <c>--type</c>; it is exclusive when it is not given.</summary>
    public static Option<string> CreateOption(string description)
    {
        var option = new Option<string>("--type") { Description = description, DefaultValueFactory = static _ => "exclusive" };
        option.AcceptOnlyFromAmong([.. s_types.Keys]);
        return option;
    }

    public static SubscriptionType Read(ParseResult arguments, Option<string> option) => s_types[arguments.GetRequiredValue(option)];
}
