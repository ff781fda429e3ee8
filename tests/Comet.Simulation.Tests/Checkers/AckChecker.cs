namespace Comet.Simulation.Tests.Checkers;

/// <summary>P5: a message whose ack was confirmed is not delivered again. A delivery that was on its way at that time may still arrive,
/// so only those count that came over an attachment which began later than the confirm: one whose predecessor ended later.</summary>
internal sealed class AckChecker : IChecker
{
    public string Name => "AckedThenRedelivered";

    public IEnumerable<string> Check(History history)
    {
        var acked = new Dictionary<(string Subscription, Place Place), Op>();
        var seeks = new Seeks();
        foreach (var op in history.Ops)
        {
            if (seeks.Clears(op))
                Seeks.Forget(acked, op);
            if (op.Kind == OpKind.AckConfirmed && !seeks.MayBeStale(op))
                acked.TryAdd((op.Subscription, Place.Of(op)), op);
            if (op.Kind == OpKind.Deliver && acked.TryGetValue((op.Subscription, Place.Of(op)), out var ack) && seeks.Since(op) > ack.Time)
                yield return $"[{op}] came over an attachment of {seeks.Since(op) / 1e6:0.000000} although [{ack}]";
        }
    }
}
