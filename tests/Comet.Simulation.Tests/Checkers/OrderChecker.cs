namespace Comet.Simulation.Tests.Checkers;

/// <summary>P4: on an ordered subscription, messages that are delivered for the first time come in the order of the log: of the
/// partition on Exclusive and Failover, of the key on KeyShared. A redelivery may repeat, never overtake. What is to be delivered later
/// stands outside this order.</summary>
internal sealed class OrderChecker : IChecker
{
    public string Name => "Reordered";

    public IEnumerable<string> Check(History history)
    {
        var ordered = history.Subscriptions.Where(static s => s.Type != SubscriptionType.Shared)
            .ToDictionary(static s => (s.Topic, s.Name), static s => s.Type);
        var seen = new HashSet<(string Subscription, Place Place)>();
        var highest = new Dictionary<(string Subscription, Place Log, string? Key), Op>();
        var scheduled = history.Ops.Where(static op => op.Kind == OpKind.Send && op.Due != 0).Select(static op => op.Value).ToHashSet();
        var seeks = new Seeks();
        foreach (var op in history.Ops)
        {
            // Behind a move comes what had expired or was given up before, out of its first order.
            if (seeks.Clears(op))
                ordered.Remove((op.Topic, op.Subscription));
            if (op.Kind != OpKind.Deliver || scheduled.Contains(op.Value)
                || !ordered.TryGetValue((op.Topic, op.Subscription), out var type)
                || !seen.Add((op.Subscription, Place.Of(op))))
                continue;
            // Without a key nothing is promised on KeyShared.
            if (type == SubscriptionType.KeyShared && op.Key is null)
                continue;
            var line = (op.Subscription, Place.Of(op) with { Offset = 0 }, type == SubscriptionType.KeyShared ? op.Key : null);
            if (highest.TryGetValue(line, out var before) && before.Offset > op.Offset)
                yield return $"[{op}] came for the first time behind [{before}]";
            if (before.Offset <= op.Offset)
                highest[line] = op;
        }
    }
}
