using Comet.Server;
using Microsoft.Extensions.Logging;

namespace Comet.Testing;

/// <summary>What a test host is made of. Immutable.</summary>
public sealed record CometTestHostOptions
{
    /// <summary>The name of the environment variable that gives the seed where none is set here: COMET_SEED.</summary>
    public const string SeedVariable = "COMET_SEED";

    /// <summary>The broker's options. Default: the defaults.</summary>
    public CometServerOptions Server { get; init; } = new();

    /// <summary>The clock of broker and clients. Null: a <see cref="VirtualTime"/> of the host's own. With another kind of clock (the
    /// system's, a FakeTimeProvider) the host does everything but move it: that is up to whoever made it.</summary>
    public TimeProvider? Time { get; init; }

    /// <summary>What chance is drawn from: names, jitter, the order of work where it is shuffled, random faults. Null: the environment
    /// variable COMET_SEED, or else one that differs from host to host; see <see cref="CometTestHost.Seed"/>.</summary>
    public int? Seed { get; init; }

    /// <summary>Whether work that could run at the same time runs in an order drawn from the seed, as threads might have it, and not in
    /// the order in which it came up. Finds what depends on luck. Default: false.</summary>
    public bool ShuffleWork { get; init; }

    /// <summary>Where broker and clients log. Null: nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>A fault of the product to make on purpose, for tests of the tests.</summary>
    internal PlantedBug PlantedBug { get; init; }
}
