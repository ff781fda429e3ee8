using Comet.Server.Broker;
using Comet.Wire;
using CsCheck;

namespace Comet.Server.Tests.Broker;

/// <summary>Producers that come, go, reconnect and wait in any order: what must always be true of who may produce.</summary>
public sealed class ProducerAccessTests
{
    private static readonly Gen<(int Kind, int Name, ProducerAccessMode Mode, int Which)> s_step = Gen.Select(
        Gen.Int[0, 9], Gen.Int[0, 3], Gen.Enum<ProducerAccessMode>(), Gen.Int[0, 100]);

    [Fact]
    [Cases(3_000)]
    public void Access_is_never_shared_with_an_exclusive_one_and_nobody_waits_for_nothing() =>
        s_step.List[1, 60].Sample(steps =>
        {
            var run = new Run();
            foreach (var (kind, name, mode, which) in steps)
            {
                if (kind < 6 || run.Known.Count == 0)
                    run.Attach($"p{name}", mode);
                else
                    run.Detach(run.Known[which % run.Known.Count]);
                run.Check();
            }
        }, iter: Cases.OfThisTest);

    private sealed class Run
    {
        private readonly ProducerTable _table = new(maxRemembered: 100, ttl: long.MaxValue / 2);
        private readonly Dictionary<string, long> _epochs = [];
        private ulong _correlationId;
        private long _now;

        /// <summary>Those that are attached or wait.</summary>
        public List<Producer> Known { get; } = [];

        private IEnumerable<Producer> Attached => Known.Where(p => p.IsAttached);

        public void Attach(string name, ProducerAccessMode mode)
        {
            var before = Attached.ToList();
            var producer = ProducerTableTests.New(name, mode);
            Known.Add(producer);
            _table.Attach(producer, ++_correlationId, ++_now);
            var refused = ProducerTableTests.Peer(producer).Sent.Select(s => s.Frame).OfType<ErrorFrame>().Any();
            if (refused)
                Assert.Equal(before, Attached);
            Assert.All(before.Where(p => p.Name != name), p => Assert.True(p.IsAttached));
            Settle();
        }

        public void Detach(Producer producer)
        {
            _table.Detach(producer, ++_now);
            Assert.False(producer.IsAttached);
            Known.Remove(producer);
            Settle();
        }

        public void Check()
        {
            var attached = Attached.ToList();
            Assert.Equal(attached.Count, _table.AttachedCount);
            Assert.Distinct(attached.Select(p => p.Name));
            if (attached.Exists(p => p.AccessMode != ProducerAccessMode.Shared))
                Assert.Single(attached);
            if (attached.Count == 0)
                Assert.Empty(Known);
            Assert.All(Known.Except(attached), p => Assert.Equal(ProducerAccessMode.WaitForExclusive, p.AccessMode));
        }

        /// <summary>Reads what each was told: ready once, refused, or fenced by a namesake; who knows nothing waits.</summary>
        private void Settle()
        {
            foreach (var producer in Known.ToList())
            {
                foreach (var frame in ProducerTableTests.Peer(producer).TakeAll())
                {
                    if (frame is ProducerReadyFrame ready)
                        AssertNewEpoch(producer, ready);
                    else if (frame is ErrorFrame { Code: ErrorCode.ProducerBusy } or ProducerClosedFrame { Code: ErrorCode.ProducerFenced })
                        AssertGone(producer);
                    else
                        Assert.Fail($"{frame} has no place here.");
                }
            }
        }

        private void AssertNewEpoch(Producer producer, ProducerReadyFrame ready)
        {
            Assert.True(producer.IsAttached);
            Assert.Equal(_epochs.GetValueOrDefault(producer.Name) + 1, ready.ProducerEpoch);
            _epochs[producer.Name] = ready.ProducerEpoch;
        }

        private void AssertGone(Producer producer)
        {
            Assert.False(producer.IsAttached);
            Assert.Equal([producer], ProducerTableTests.Peer(producer).Forgotten);
            Known.Remove(producer);
        }
    }
}
