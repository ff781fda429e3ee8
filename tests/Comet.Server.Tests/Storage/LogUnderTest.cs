using Comet.Journals;
using Comet.Server.Storage;
using Comet.Server.Storage.Local;
using Comet.Server.Storage.Memory;

namespace Comet.Server.Tests.Storage;

/// <summary>A log of one of the providers, and what can be done to it from outside.</summary>
public abstract class LogUnderTest : IDisposable
{
    internal abstract IPartitionLog Log { get; }

    /// <summary>Closes and opens it in peace, where it outlives that.</summary>
    internal virtual void Reopen()
    {
    }

    /// <summary>Packs, encrypts and moves what it can, where there is such a thing.</summary>
    internal virtual void LookAfter()
    {
    }

    /// <summary>Goes on with what a killed process would have left, where it outlives that.</summary>
    internal virtual void Kill()
    {
    }

    public abstract void Dispose();

    internal static LogUnderTest Create(string provider) => provider switch
    {
        "memory" => new InMemory(),
        "local" => new InFolder(long.MaxValue),
        // Nothing fits into memory but what was appended last.
        "local, cold" => new InFolder(MemoryBudget.MinSlabSize),
        "local, packed" => new InFolder(MemoryBudget.MinSlabSize)
        {
            Plan = new()
            {
                Compression = JournalCodec.Lz4, Encrypt = true, Cool = new("cool", TimeSpan.Zero),
                Cold = new("cold", TimeSpan.FromMilliseconds(20)),
            },
        },
        _ => throw new ArgumentException($"There is no provider {provider}.", nameof(provider)),
    };

    private sealed class InMemory : LogUnderTest
    {
        private readonly MemoryPartitionLog _log = new(new MemoryBudget(long.MaxValue), long.MaxValue);

        internal override IPartitionLog Log => _log;

        public override void Dispose() => _log.Dispose();
    }

    private sealed class InFolder(long memory) : LogUnderTest
    {
        private readonly TemporaryFolder _folder = new();
        private readonly FakeRecord _record = new();
        private LocalPartitionLog? _log;
        private string? _directory;

        /// <summary>What is done to its segments.</summary>
        public JournalMaintenance? Plan { get; init; }

        internal override IPartitionLog Log => _log ??= Open(_directory ??= _folder["partition"]);

        internal override void Reopen()
        {
            _log?.Dispose();
            _log = null;
        }

        internal override void LookAfter()
        {
            if (Plan is not null && _log?.Journal is { } journal)
                Assert.Empty(journal.RunMaintenance(Plan).Failures);
        }

        internal override void Kill()
        {
            _ = Log.EndOffset;
            _directory = _folder.Copy(_directory!);
            Reopen();
        }

        public override void Dispose()
        {
            _log?.Dispose();
            _folder.Dispose();
        }

        private LocalPartitionLog Open(string directory) => new(directory, new LocalStorageOptions
        {
            Directory = _folder.Path,
            // So short that some are sealed all the time.
            MaxSegmentLength = Plan is null ? 64 * 1024 : 16 * 1024,
            Keys = new JournalKeyRing("k", [new("k", new byte[32])]),
        }, new MemoryBudget(memory), _record);
    }
}

/// <summary>What is written down about a partition, in memory.</summary>
internal sealed class FakeRecord : ILocalPartitionRecord
{
    public long StartOffset { get; set; }

    public bool IsNew { get; set; }

    public bool HasFiles { get; set; }

    public long EndOffset { get; set; }

    public bool HasRoom { get; set; } = true;

    public bool MakeRoom() => false;

    public MemoryBudget ReadAheadBudget { get; init; } = new(32 * 1024 * 1024);

    /// <summary>Whether what waits for the disk is left in <see cref="Waiting"/>.</summary>
    public bool IsDiskHeld { get; init; }

    /// <summary>What waits for the disk; the test has it run.</summary>
    public Queue<Action> Waiting { get; } = new();

    /// <summary>How often the owner was asked to come again.</summary>
    public int Fills { get; private set; }

    public void Run(Action work)
    {
        if (IsDiskHeld)
            Waiting.Enqueue(work);
        else
            work();
    }

    public void Filled() => Fills++;

    public List<string> Calls { get; } = [];

    /// <summary>What <see cref="MarkAsync"/> waits for.</summary>
    public Task Opening { get; set; } = Task.CompletedTask;

    public void TakeFiles()
    {
    }

    public void Opened() => Calls.Add("opened");

    public ValueTask MarkAsync()
    {
        Calls.Add("marked");
        return new(Opening);
    }

    public void Truncated(long startOffset) => StartOffset = startOffset;

    public void Closed(bool isWhole, long endOffset)
    {
        Calls.Add(isWhole ? "closed" : "broken");
        if (isWhole)
            EndOffset = endOffset;
    }

    public void Deleted() => Calls.Add("deleted");
}
