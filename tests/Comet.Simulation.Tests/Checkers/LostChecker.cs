namespace Comet.Simulation.Tests.Checkers;

/// <summary>P1: after a drain every confirmed message has reached every subscription, or its dead letters. What was confirmed before the
/// broker's process ended is gone with its memory, and owed to nobody; so is what
/// has had the time to expire.</summary>
internal sealed class LostChecker : IChecker
{
    public string Name => "Lost";

    public IEnumerable<string> Check(History history)
    {
        if (history.Ops.FirstOrDefault(static op => op.Kind == OpKind.Drained) is not { Kind: OpKind.Drained } drained)
            yield break;
        var lastLoss = history.Ops.Where(static op => op.Kind == OpKind.BrokerLost).Select(static op => op.Time).DefaultIfEmpty(-1).Max();
        var delivered = history.Ops.Where(static op => op.Kind is OpKind.Deliver or OpKind.DeadLettered)
            .Select(static op => (op.Topic, op.Subscription, op.Value)).ToHashSet();
        var sent = history.Ops.Where(static op => op.Kind == OpKind.Send).ToDictionary(static op => op.Value);
        // A confirm of the very instant in which the process ended may have come from before.
        foreach (var confirmed in history.Ops.Where(op => op.Kind == OpKind.SendConfirmed && op.Time > lastLoss))
        {
            foreach (var subscription in history.Subscriptions.Where(s => s.Topic == confirmed.Topic))
            {
                // It is stored some time behind its sending, and its life begins then, or when it is due.
                var born = Math.Max(sent[confirmed.Value].Time, confirmed.Due);
                if (subscription.Ttl != 0 && born + subscription.Ttl <= drained.Time)
                    continue;
                if (!delivered.Contains((confirmed.Topic, subscription.Name, confirmed.Value)))
                    yield return $"'{subscription.Name}' never got: {confirmed}";
            }
        }
    }
}
