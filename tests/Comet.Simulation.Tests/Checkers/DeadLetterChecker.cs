namespace Comet.Simulation.Tests.Checkers;

/// <summary>A message is given up when it was delivered as often as its subscription lets it be, once, and never where none may
/// be.</summary>
internal sealed class DeadLetterChecker : IChecker
{
    public string Name => "DeadLetter";

    public IEnumerable<string> Check(History history)
    {
        var facts = history.Subscriptions.ToDictionary(static s => (s.Topic, s.Name));
        var seen = new HashSet<(string Subscription, string Topic, int Partition, long Offset)>();
        // Behind a seek everything begins anew.
        var moved = history.Ops.Where(static op => op.Kind == OpKind.Seek).Select(static op => (op.Topic, op.Subscription)).ToHashSet();
        foreach (var op in history.Ops.Where(static op => op.Kind == OpKind.DeadLettered))
        {
            var most = facts[(op.Topic, op.Subscription)].MaxDeliveries;
            if (most == 0 || op.Count < most)
                yield return $"Given up before {most} deliveries: {op}";
            if (!seen.Add((op.Subscription, op.Topic, op.Partition, op.Offset)) && !moved.Contains((op.Topic, op.Subscription)))
                yield return $"Given up twice: {op}";
        }
    }
}
