namespace Comet.Simulation.Tests.Checkers;

/// <summary>P2: nothing is delivered that nobody sent, and under no other key or topic.</summary>
internal sealed class InventedChecker : IChecker
{
    public string Name => "Invented";

    public IEnumerable<string> Check(History history)
    {
        var sent = new Dictionary<long, Op>();
        foreach (var op in history.Ops)
        {
            if (op.Kind == OpKind.Send)
                sent[op.Value] = op;
            if (op.Kind is not (OpKind.Deliver or OpKind.DeadLettered))
                continue;
            if (!sent.TryGetValue(op.Value, out var original))
                yield return $"Nobody had sent: {op}";
            else if (original.Key != op.Key || original.Topic != op.Topic)
                yield return $"Delivered as [{op}] what was sent as [{original}]";
        }
    }
}
