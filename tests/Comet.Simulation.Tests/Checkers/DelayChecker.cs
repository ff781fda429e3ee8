namespace Comet.Simulation.Tests.Checkers;

/// <summary>Never early: neither a message with a time of delivery, nor one that was given back with a delay, unless the connection that
/// carried the nack was lost and the nack with it, or the lease was over.</summary>
internal sealed class DelayChecker : IChecker
{
    public string Name => "Early";

    public IEnumerable<string> Check(History history)
    {
        var due = new Dictionary<long, long>();
        var nacks = new Dictionary<(string Subscription, Place Place), Op>();
        var attachments = new Attachments(history);
        var leases = new Dictionary<(string Subscription, Place Place), long>();
        var seeks = new Seeks();
        foreach (var op in history.Ops)
        {
            if (seeks.Clears(op))
                Seeks.Forget(nacks, op);
            var message = (op.Subscription, Place.Of(op));
            switch (op.Kind)
            {
                case OpKind.Send when op.Due != 0:
                    due[op.Value] = op.Due;
                    break;
                case OpKind.Nack when !seeks.MayBeStale(op):
                    nacks[message] = op;
                    break;
                case OpKind.Deliver:
                    if (due.TryGetValue(op.Value, out var at) && op.Time < at)
                        yield return $"{(at - op.Time) / 1e6:0.000000} s early: {op}";
                    if (nacks.Remove(message, out var nack) && op.Time < nack.Due && attachments.Outlived(nack, op.Time)
                        && !(leases.TryGetValue(message, out var lease) && lease != 0 && op.Time >= lease) && op.Count > nack.Count)
                        yield return $"{(nack.Due - op.Time) / 1e6:0.000000} s early: [{op}] after [{nack}]";
                    leases[message] = op.Due;
                    break;
            }
        }
    }
}
