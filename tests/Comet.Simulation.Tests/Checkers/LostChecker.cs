namespace Comet.Simulation.Tests.Checkers;

/// <summary>P1: after a drain every confirmed message has reached every subscription, or its dead letters. What was confirmed before the
/// broker's process ended is gone with its memory, and owed to nobody.</summary>
internal sealed class LostChecker : IChecker
{
    public string Name => "Lost";

    public IEnumerable<string> Check(History history)
    {
        if (history.CountOf(OpKind.Drained) == 0)
            yield break;
        var lastLoss = history.Ops.Where(static op => op.Kind == OpKind.BrokerLost).Select(static op => op.Time).DefaultIfEmpty(-1).Max();
        var delivered = history.Ops.Where(static op => op.Kind is OpKind.Deliver or OpKind.DeadLettered)
            .Select(static op => (op.Topic, op.Subscription, op.Value)).ToHashSet();
        // A confirm of the very instant in which the process ended may have come from before.
        foreach (var confirmed in history.Ops.Where(op => op.Kind == OpKind.SendConfirmed && op.Time > lastLoss))
        {
            foreach (var subscription in history.Subscriptions.Where(s => s.Topic == confirmed.Topic))
            {
                if (!delivered.Contains((confirmed.Topic, subscription.Name, confirmed.Value)))
                    yield return $"'{subscription.Name}' never got: {confirmed}";
            }
        }
    }
}
