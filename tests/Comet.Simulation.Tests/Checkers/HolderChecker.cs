namespace Comet.Simulation.Tests.Checkers;

/// <summary>A message has one holder at a time: it is delivered again only when its holder has given it back, is gone, or its lease is
/// over.</summary>
internal sealed class HolderChecker : IChecker
{
    public string Name => "DuplicateAfterRedelivery";

    public IEnumerable<string> Check(History history)
    {
        var attachments = new Attachments(history);
        var holders = new Dictionary<(string Subscription, Place Place), Op>();
        var seeks = new Seeks();
        foreach (var op in history.Ops)
        {
            if (seeks.Clears(op))
                Seeks.Forget(holders, op);
            var message = (op.Subscription, Place.Of(op));
            if (op.Kind is OpKind.Ack or OpKind.Nack)
            {
                holders.Remove(message);
                continue;
            }
            if (op.Kind != OpKind.Deliver)
                continue;
            if (holders.TryGetValue(message, out var holder) && op.Count > holder.Count && (holder.Due == 0 || op.Time < holder.Due)
                && attachments.Outlived(holder, op.Time))
                yield return $"[{op}] although its holder still had it: [{holder}]";
            if (!seeks.MayBeStale(op) && (op.Count > holder.Count || holder.Kind != OpKind.Deliver))
                holders[message] = op;
        }
    }
}
