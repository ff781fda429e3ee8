using Comet.Server.Broker;
using CsCheck;

namespace Comet.Server.Tests.Broker;

public sealed class DeliveryTableTests
{
    private static readonly Gen<OffsetRange> s_range = Gen.Select(
        Gen.OneOf(Gen.Int[0, 200], Gen.Int[4050, 4150], Gen.Int[20_000, 20_100]),
        Gen.OneOf(Gen.Int[0, 5], Gen.Int[0, 200]), (first, more) => new OffsetRange(first, first + more));

    private static readonly Gen<(int Kind, OffsetRange Range, int Who, int Count)> s_step =
        Gen.Select(Gen.Int[0, 12], s_range, Gen.Int[0, 3], Gen.Int[1, 3]);

    [Theory]
    [Cases(10_000)]
    [InlineData((int)Marking.Nothing)]
    [InlineData((int)Marking.Waiting)]
    [InlineData((int)Marking.WaitingAndDelayed)]
    public void It_remembers_the_state_of_each_message(int marking) => s_step.List[0, 25].Sample(steps =>
    {
        var model = new Model((Marking)marking);
        foreach (var (kind, range, who, count) in steps)
            model.Step(kind, range, who, count);
    }, iter: Cases.OfThisTest);

    [Fact]
    public void What_is_occupied_far_apart_costs_a_block_each_and_nothing_between()
    {
        var table = new DeliveryTable(Marking.Waiting);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var offset = 0L; offset < 100_000_000; offset += 100_000)
            table.Put(new(offset, offset), MessageState.InFlight(0, 1));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2_500_000);
        table.Ack(new(0, long.MaxValue - 1), new Cursor(0));
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void Two_deliveries_of_a_message_and_two_leases_of_one_are_never_the_same_state()
    {
        var first = MessageState.InFlight(7, 1, 99);
        Assert.NotEqual(first, MessageState.InFlight(7, 2, 99));
        Assert.NotEqual(first, first.WithNextLease());
        Assert.Equal((MessageStage.Waiting, 1, 99, 0), Parts(first.WithNextLease().As(MessageStage.Waiting)));
        Assert.Equal(MessageState.MaxDeliveryCount, MessageState.InFlight(0, int.MaxValue).DeliveryCount);

        static (MessageStage, int, int, int) Parts(MessageState s) => (s.Stage, s.DeliveryCount, s.KeySlot, s.Consumer);
    }

    private sealed class Model(Marking marking)
    {
        private readonly SortedDictionary<long, MessageState> _states = [];
        private readonly Cursor _cursor = new(0);
        private readonly HashSet<long> _acked = [];
        private readonly DeliveryTable _table = new(marking);

        public void Step(int kind, OffsetRange range, int who, int count)
        {
            if (kind <= 4)
                Put(range, MessageState.InFlight(who, count));
            else if (kind <= 8)
                Move(range, kind % 2 == 0 ? MessageStage.Waiting : MessageStage.Delayed, who);
            else if (kind == 9)
                Take(range, isAck: false);
            else if (kind <= 11)
                Take(range, isAck: true);
            else
                TakeMarked(count * 40);
            AssertSame(range, who);
        }

        private void Put(OffsetRange range, MessageState state)
        {
            _table.Put(range, state);
            for (var offset = range.First; offset <= range.Last; offset++)
                _states[offset] = state;
        }

        private void Move(OffsetRange range, MessageStage stage, int who)
        {
            var runs = new List<StateRun>();
            _table.CopyTo(runs, range, MessageStage.InFlight, who);
            var expected = _states.Where(s => IsIn(s.Key, range) && s.Value.Stage == MessageStage.InFlight && s.Value.Consumer == who);
            Assert.Equal(expected.Select(static s => (s.Key, s.Value)), Expand(runs));
            foreach (var run in runs)
                Put(run.Range, run.State.As(stage));
        }

        private void Take(OffsetRange range, bool isAck)
        {
            var occupied = _states.Keys.Where(o => IsIn(o, range)).ToList();
            if (isAck)
            {
                Assert.Equal(occupied.Count, _table.Ack(range, _cursor));
                _acked.UnionWith(occupied);
            }
            else
            {
                _table.Remove(range);
            }
            occupied.ForEach(o => _states.Remove(o));
        }

        private void TakeMarked(long most)
        {
            var marked = _states.Where(s => IsMarked(s.Value)).Select(static s => s.Key).ToList();
            Assert.Equal(marked.Count > 0, _table.TryPeekMarked(most, out var run));
            if (marked.Count == 0)
                return;
            Assert.Equal(marked[0], run.Range.First);
            Assert.InRange(run.Range.Count, 1, most);
            for (var offset = run.Range.First; offset <= run.Range.Last; offset++)
                Assert.Equal(run.State, _states[offset]);
            var isEnd = !_states.TryGetValue(run.Range.Last + 1, out var next) || next != run.State;
            Assert.True(isEnd || run.Range.Count == most, "The run could have been longer.");
            Put(run.Range, MessageState.InFlight(1, run.State.DeliveryCount + 1));
        }

        private void AssertSame(OffsetRange range, int who)
        {
            Assert.Equal(_states.Count, _table.Count);
            foreach (var stage in Enum.GetValues<MessageStage>().Where(static s => s != MessageStage.None))
                Assert.Equal(_states.Values.Count(s => s.Stage == stage), _table.CountOf(stage));
            for (var offset = range.First - 1; offset <= range.Last + 1; offset++)
                Assert.Equal(_states.GetValueOrDefault(offset), _table[offset]);
            var state = MessageState.InFlight(who, 1);
            var block = range.First >> BlockMask.Shift;
            var matching = _table.Match(block, ulong.MaxValue, state);
            for (var bit = 0; bit < BlockMask.Size; bit++)
                Assert.Equal(_states.GetValueOrDefault((block << BlockMask.Shift) + bit) == state, (matching >> bit & 1) != 0);
            Assert.Equal(_acked.Count, _cursor.AckedUpTo + _cursor.AckedAbove);
            Assert.All(_acked, o => Assert.True(_cursor.IsAcked(o)));
        }

        private bool IsMarked(MessageState state) =>
            (marking != Marking.Nothing && state.Stage == MessageStage.Waiting)
            || (marking == Marking.WaitingAndDelayed && state.Stage == MessageStage.Delayed);

        private static bool IsIn(long offset, OffsetRange range) => offset >= range.First && offset <= range.Last;

        private static IEnumerable<(long, MessageState)> Expand(List<StateRun> runs)
        {
            foreach (var run in runs)
            {
                for (var offset = run.Range.First; offset <= run.Range.Last; offset++)
                    yield return (offset, run.State);
            }
        }
    }
}
