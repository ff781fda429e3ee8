namespace Comet.Simulation.Tests.Checkers;

/// <summary>Liveness: when all faults are healed, everything is delivered and acked within a bounded time.</summary>
internal sealed class StuckChecker : IChecker
{
    public string Name => "Stuck";

    public IEnumerable<string> Check(History history) =>
        history.Ops.Where(static op => op.Kind == OpKind.NotDrained).Select(static op => $"Left over: {op.Note}");
}
