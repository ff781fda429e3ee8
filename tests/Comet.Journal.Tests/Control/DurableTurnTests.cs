using Comet.Journals.Control;

namespace Comet.Journals.Tests.Control;

public sealed unsafe class DurableTurnTests
{
    [Fact]
    public void One_at_a_time_has_it()
    {
        using var directory = new TemporaryDirectory();
        using var state = JournalOpener.Open(JournalEnvironment.Default, directory.Path, new JournalOptions());
        var (first, second) = (Turn(state), Turn(state));
        var (mine, other) = (state.TakeFlushSlot(), state.TakeFlushSlot());
        Assert.True(first.TryTake(mine));
        Assert.False(second.TryTake(other));
        first.Return(mine);
        Assert.True(second.TryTake(other));
        Assert.False(first.TryTake(mine));
        // Not the one who has it.
        first.Return(mine);
        Assert.False(first.TryTake(mine));
        second.Return(other);
        Assert.Equal(0UL, *state.Control!.DurableTurn);
    }

    /// <summary>A process that was killed with it has let go of its slot, and nothing else.</summary>
    [Fact]
    public void What_a_killed_one_had_is_free_for_others_and_for_whoever_takes_its_slot()
    {
        using var directory = new TemporaryDirectory();
        using var state = JournalOpener.Open(JournalEnvironment.Default, directory.Path, new JournalOptions());
        var killed = state.TakeFlushSlot();
        Assert.True(Turn(state).TryTake(killed));
        state.Slots!.Return(killed);
        var other = state.TakeSlot();
        var turn = Turn(state);
        Assert.True(turn.TryTake(other));
        turn.Return(other);

        var again = state.TakeFlushSlot();
        Assert.Equal(killed.Index, again.Index);
        Assert.True(Turn(state).TryTake(again));
        state.Slots.Return(again);
        var heir = state.TakeFlushSlot();
        Assert.Equal(killed.Index, heir.Index);
        Assert.True(Turn(state).TryTake(heir));
    }

    /// <summary>The slot of a killed one may become that of a writer, who never tells anything and lives long.</summary>
    [Fact]
    public void What_a_killed_one_had_is_free_though_somebody_else_has_its_slot()
    {
        using var directory = new TemporaryDirectory();
        using var state = JournalOpener.Open(JournalEnvironment.Default, directory.Path, new JournalOptions());
        var killed = state.TakeSlot();
        Assert.True(Turn(state).TryTake(killed));
        state.Slots!.Return(killed);
        Assert.Equal(killed.Index, state.TakeSlot().Index);
        Assert.True(Turn(state).TryTake(state.TakeFlushSlot()));
    }

    /// <summary>Whatever stands there, nothing is read beyond the slots and nobody waits.</summary>
    [Fact]
    public void Nonsense_there_is_nobody()
    {
        using var directory = new TemporaryDirectory();
        using var state = JournalOpener.Open(JournalEnvironment.Default, directory.Path, new JournalOptions());
        var slot = state.TakeFlushSlot();
        foreach (var word in (ulong[])[ulong.MaxValue, 1UL << 16])
        {
            *state.Control!.DurableTurn = word;
            Assert.True(Turn(state).TryTake(slot));
        }
    }

    private static DurableTurn Turn(JournalState state) => new(state.Control!, state.Slots!, Guid.NewGuid());
}
