using Comet.Server.Broker;
using Comet.Server.Storage.Local;
using Comet.Server.Tests.Storage;
using CsCheck;

namespace Comet.Server.Tests.Broker;

/// <summary>A partition that is killed again and again, with what it saves in any state: from the point it has saved and the log behind it,
/// the next one knows what it would know from the whole log.</summary>
public sealed class RecoveryPointModelTests
{
    private const int Names = 4;

    private static readonly Gen<List<(Do What, int Number)>> s_steps = Gen.Select(
        Gen.Frequency((6, Gen.Const(Do.Publish)), (4, Gen.Const(Do.Schedule)), (1, Gen.Const(Do.Cancel)), (1, Gen.Const(Do.Move)),
            (1, Gen.Const(Do.Wait)), (2, Gen.Const(Do.Save)), (1, Gen.Const(Do.Hold)), (1, Gen.Const(Do.Rest)), (1, Gen.Const(Do.Kill))),
        Gen.Int[0, 1000], (what, number) => (what, number)).List[5, 80];

    private enum Do
    {
        Publish,
        Schedule,
        Cancel,
        Move,
        Wait,
        Save,
        Hold,
        Rest,
        Kill,
    }

    [Theory]
    [InlineData("memory", false, 400)]
    [InlineData("local, cold", false, 25)]
    [InlineData("local, cold", true, 25)]
    public void A_point_and_the_log_behind_it_tell_what_the_whole_log_tells(string provider, bool isDropped, int runs)
    {
        var taken = 0;
        s_steps.Sample(steps =>
        {
            using var log = LogUnderTest.Create(provider);
            using var run = new Run(log, provider != "memory", isDropped);
            foreach (var (what, number) in steps)
                run.Take(what, number);
            run.Take(Do.Kill, 0);
            Interlocked.Add(ref taken, run.Recoveries);
        }, iter: runs, threads: 1);
        Assert.True(taken > runs / 2, $"Only {taken} recoveries of {runs} runs had a point to begin at.");
    }

    private sealed class Run : IDisposable
    {
        private readonly LogUnderTest _log;
        private readonly TemporaryFolder _folder = new();
        private readonly DelayWorkers _workers = new();
        private readonly MemoryDelayFiles _files;
        private readonly FakeStore _store;
        private readonly RecoveryMachine _machine;
        private readonly bool _restarts;
        private readonly bool _isDropped;

        /// <param name="log">The log.</param>
        /// <param name="restarts">Whether it has to be opened again.</param>
        /// <param name="isDropped">Whether messages are dropped at once, and segments with them: the log alone does not tell all
        /// then.</param>
        public Run(LogUnderTest log, bool restarts, bool isDropped)
        {
            (_log, _restarts, _isDropped) = (log, restarts, isDropped);
            _files = new(restarts ? new LocalDelayFiles(_folder["delays"], _workers, static () => { }) : null);
            _store = new() { DelayFiles = _files };
            _machine = new RecoveryMachine(() => log.Log, new()
            {
                Store = _store,
                MaxDelaysInMemory = 8,
                MaxBytesBehindPoint = isDropped ? 100_000 : 600,
                Policy = TopicPolicy.Default with { Retention = isDropped ? RetentionPolicy.None : RetentionPolicy.Forever },
            })
            {
                Padding = isDropped ? 10_000 : 20,
            };
        }

        public void Dispose()
        {
            _workers.Dispose();
            _folder.Dispose();
        }

        /// <summary>How many times there was a point to begin at.</summary>
        public int Recoveries { get; private set; }

        public void Take(Do what, int number)
        {
            for (var left = number % 3; left > 0; left--)
                _files.Work();
            switch (what)
            {
                case Do.Publish:
                    _machine.Publish($"p{number % Names}", (number % 5) + 1, static _ => (0, null));
                    break;
                case Do.Schedule:
                    _machine.Publish(
                        $"p{number % Names}", (number % 3) + 1, i => (_machine.Now + 100 + (number * (i + 1)), Key(number + i)));
                    break;
                case Do.Cancel:
                    _machine.Ask(new CancelRequest(_machine.Peer, number % Math.Max(1, _log.Log.EndOffset), null));
                    break;
                case Do.Move:
                    _machine.Ask(new RescheduleRequest(
                        _machine.Peer, number % Math.Max(1, _log.Log.EndOffset), _machine.Now + (number * 3)));
                    break;
                case Do.Wait:
                    _machine.Now += number / 2;
                    _machine.Handle(new(CommandKind.Wake));
                    break;
                case Do.Save:
                    for (var left = number % 4; left > 0 && _store.Pending > 0; left--)
                        _store.Complete();
                    _store.IsHeld = number % 3 > 0;
                    _machine.Handle(new(CommandKind.Wake));
                    break;
                case Do.Hold:
                    _machine.Commits = !_machine.Commits;
                    break;
                case Do.Rest:
                    _machine.Handle(new(CommandKind.Rest));
                    break;
                case Do.Kill:
                    Kill();
                    break;
            }
        }

        private static string? Key(int number) => number % 4 == 0 ? null : $"k{number % 5}";

        private void Kill()
        {
            _store.Lose();
            _files.Lose();
            _store.IsHeld = false;
            _machine.Commits = true;
            if (_restarts)
                _log.Kill();
            if (_store.Point is { } point)
            {
                Recoveries++;
                Assert.All(point.Delays.Runs, name => Assert.NotNull(_files.Open(name)));
            }
            var live = _machine.Partition.Producers;
            _machine.Epoch++;
            _machine.Restart();
            AssertSame(live, _machine.Partition.Producers);
            if (_isDropped)
                return;
            var (producers, delays) = _machine.Scan();
            AssertSame(producers, _machine.Partition.Producers);
            AssertSame(delays, _machine.Partition.Delays);
        }

        private void AssertSame(ProducerTable expected, ProducerTable recovered)
        {
            for (var i = 0; i < Names; i++)
            {
                if (expected.Find($"p{i}") is not { LastSequence: >= 0 } name)
                {
                    Assert.Null(recovered.Find($"p{i}"));
                    continue;
                }
                var found = recovered.Find($"p{i}");
                Assert.NotNull(found);
                Assert.Equal((name.LastSequence, name.LastSequence + 1), (found.LastSequence, found.NextSequence));
                for (var sequence = 0L; sequence <= name.LastSequence; sequence++)
                    Assert.Equal(name.FindOffset(sequence, 1, _log.Log), found.FindOffset(sequence, 1, _log.Log));
            }
        }

        private static void AssertSame(DelayIndex scanned, DelayIndex recovered)
        {
            Assert.Equal(scanned.Count, recovered.Count);
            Assert.Equal(scanned.Moved.OrderBy(static m => m.Key), recovered.Moved.OrderBy(static m => m.Key));
            Assert.Equal(All(scanned.Cancelled), All(recovered.Cancelled));
            Assert.Equal(All(scanned.Pending), All(recovered.Pending));
            for (var i = 0; i < 5; i++)
            {
                var (first, second) = (new List<long>(), new List<long>());
                scanned.CopyKeyed(KeyHash.Compute($"k{i}"), first);
                recovered.CopyKeyed(KeyHash.Compute($"k{i}"), second);
                Assert.Equal(first, second);
            }
            var (expected, page) = (new List<DueOffset>(), new List<DueOffset>());
            scanned.CopyPage(new(long.MinValue, 0), long.MinValue, long.MaxValue, int.MaxValue, expected);
            recovered.CopyPage(new(long.MinValue, 0), long.MinValue, long.MaxValue, int.MaxValue, page);
            Assert.Equal(expected, page);
        }

        private static List<long> All(OffsetBits bits)
        {
            var all = new List<long>();
            for (var at = bits.First; at != long.MaxValue; at = bits.NextSet(at + 1))
                all.Add(at);
            return all;
        }
    }
}
