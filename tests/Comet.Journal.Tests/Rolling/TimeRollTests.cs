using System.Globalization;
using Comet.Journals.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Journals.Tests.Rolling;

public sealed class TimeRollTests
{
    private static readonly DateTimeOffset Start = new(2026, 2, 28, 23, 59, 58, TimeSpan.Zero);

    public static TheoryData<string, string, string[]> Cycles => new()
    {
        { "second", "00:00:01", ["20260228T235958Z", "20260228T235959Z", "20260301T000000Z"] },
        { "minute", "00:01:00", ["20260228T235900Z", "20260301T000000Z", "20260301T000100Z"] },
        { "five minutes", "00:05:00", ["20260228T235500Z", "20260301T000000Z", "20260301T000500Z"] },
        { "hour", "01:00:00", ["20260228T230000Z", "20260301T000000Z", "20260301T010000Z"] },
        { "day", "1.00:00:00", ["20260228T000000Z", "20260301T000000Z", "20260302T000000Z"] },
        { "month", "30.00:00:00", ["20260201T000000Z", "20260301T000000Z", "20260401T000000Z"] },
        { "seven seconds", "00:00:07", ["20260228T235956Z", "20260301T000003Z", "20260301T000010Z"] }
    };

    [Theory]
    [MemberData(nameof(Cycles))]
    public void A_segment_is_begun_with_the_first_append_of_each_cycle_and_named_after_its_start(string cycle, string step, string[] names)
    {
        using var directory = new TemporaryDirectory();
        var time = new FakeTimeProvider(Start);
        using var journal = Journal.Open(directory.Path, new JournalOptions { RollCycle = Cycle(cycle), TimeProvider = time });
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 3 * names.Length; i++)
        {
            Assert.Equal((i / 3) + 1, writer.Append(Payload.Of(i)).Segment);
            if (i % 3 == 2)
                time.Advance(TimeSpan.Parse(step, CultureInfo.InvariantCulture));
        }

        Assert.Equal(names, Names(directory));
        Assert.Equal(Enumerable.Range(0, 3 * names.Length), Payload.ReadAll(journal));
    }

    [Fact]
    public void The_last_tick_of_a_cycle_belongs_to_it_and_the_next_one_does_not()
    {
        using var directory = new TemporaryDirectory();
        var time = new FakeTimeProvider(Start);
        using var journal = Journal.Open(directory.Path, new JournalOptions { RollCycle = RollCycle.Minute, TimeProvider = time });
        using var writer = journal.CreateWriter();
        time.SetUtcNow(new DateTimeOffset(2026, 3, 1, 0, 0, 0, TimeSpan.Zero).AddTicks(-1));
        Assert.Equal(1, writer.Append(Payload.Of(0)).Segment);
        time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(2, writer.Append(Payload.Of(1)).Segment);
    }

    [Fact]
    public void A_gap_of_many_cycles_leaves_no_empty_segments()
    {
        using var directory = new TemporaryDirectory();
        var time = new FakeTimeProvider(Start);
        using var journal = Journal.Open(directory.Path, new JournalOptions { RollCycle = RollCycle.Second, TimeProvider = time });
        using var writer = journal.CreateWriter();
        writer.Append(Payload.Of(0));
        time.Advance(TimeSpan.FromDays(40));
        writer.Append(Payload.Of(1));
        Assert.Equal(["20260228T235958Z", "20260409T235958Z"], Names(directory));
        Assert.Equal([0, 1], Payload.ReadAll(journal));
    }

    [Fact]
    public void A_clock_that_goes_back_stays_in_the_newest_segment_until_its_cycle_is_over()
    {
        using var directory = new TemporaryDirectory();
        var time = new SettableTime(Start);
        var options = new JournalOptions { RollCycle = RollCycle.Minute, TimeProvider = time };
        using (var journal = Journal.Open(directory.Path, options))
        using (var writer = journal.CreateWriter())
        {
            writer.Append(Payload.Of(0));
            time.Now = Start.AddHours(2);
            Assert.Equal(2, writer.Append(Payload.Of(1)).Segment);
            time.Now = Start.AddHours(-5);
            Assert.Equal(2, writer.Append(Payload.Of(2)).Segment);
            time.Now = Start.AddHours(2);
            Assert.Equal(2, writer.Append(Payload.Of(3)).Segment);
            time.Now = Start.AddHours(-5);
        }

        // Opened anew while the clock is behind, also when that takes a new segment.
        File.Delete(Path.Combine(directory.Path, "journal.control"));
        using (var journal = Journal.Open(directory.Path, options))
        using (var writer = journal.CreateWriter())
        {
            writer.Append(Payload.Of(4));
            time.Now = Start.AddHours(2).AddMinutes(1);
            Assert.Equal(3, writer.Append(Payload.Of(5)).Segment);
            Assert.Equal(Enumerable.Range(0, 6), Payload.ReadAll(journal));
        }

        Assert.Equal(Names(directory).Order(StringComparer.Ordinal), Names(directory));
        Assert.Equal(["20260228T235900Z", "20260301T015900Z", "20260301T020000Z"], Names(directory));
    }

    [Fact]
    public void A_clock_that_is_behind_when_a_segment_is_full_takes_the_next_one_with_the_same_cycle()
    {
        using var directory = new TemporaryDirectory();
        var time = new SettableTime(Start);
        var options = new JournalOptions { RollCycle = RollCycle.Minute, FirstSegmentLength = 16 * 1024, MaxSegmentLength = 16 * 1024 };
        using var journal = Journal.Open(directory.Path, options with { TimeProvider = time });
        using var writer = journal.CreateWriter();
        writer.Append(Payload.Of(0));
        time.Now = Start.AddHours(-1);
        for (var i = 1; i < 40; i++)
            writer.Append(Payload.Of(i, 1000));
        Assert.All(Names(directory), name => Assert.Equal("20260228T235900Z", name));
        Assert.True(directory.Segments.Length > 2);
        Assert.Equal(Enumerable.Range(0, 40), Payload.ReadAll(journal));
    }

    [Fact]
    public void A_writer_whose_clock_is_late_appends_to_the_newest_segment()
    {
        using var directory = new TemporaryDirectory();
        var (early, late) = (new SettableTime(Start), new SettableTime(Start));
        using var one = Journal.Open(directory.Path, new JournalOptions { RollCycle = RollCycle.Minute, TimeProvider = early });
        using var two = Journal.Open(directory.Path, new JournalOptions { RollCycle = RollCycle.Minute, TimeProvider = late });
        using var ahead = one.CreateWriter();
        using var behind = two.CreateWriter();
        behind.Append(Payload.Of(0));
        early.Now = Start.AddMinutes(10);
        Assert.Equal(2, ahead.Append(Payload.Of(1)).Segment);
        Assert.Equal(2, behind.Append(Payload.Of(2)).Segment);
        late.Now = Start.AddMinutes(5);
        Assert.Equal(2, behind.Append(Payload.Of(3)).Segment);
        Assert.Equal(2, directory.Segments.Length);
        Assert.Equal(Enumerable.Range(0, 4), Payload.ReadAll(one));
    }

    private static RollCycle Cycle(string name) => name switch
    {
        "second" => RollCycle.Second,
        "minute" => RollCycle.Minute,
        "five minutes" => RollCycle.FiveMinutes,
        "hour" => RollCycle.Hour,
        "day" => RollCycle.Day,
        "month" => RollCycle.Month,
        _ => RollCycle.Every(TimeSpan.FromSeconds(7))
    };

    private static IEnumerable<string> Names(TemporaryDirectory directory) =>
        directory.Segments.Select(path => Path.GetFileName(path)[..16]);

    private sealed class SettableTime(DateTimeOffset start) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = start;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
