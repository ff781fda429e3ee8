using System.Globalization;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Processes;

public sealed class KilledWriterTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("told")]
    [InlineData("not told")]
    public async Task The_claim_of_a_killed_writer_is_passed_by_readers_and_holds_up_no_confirmation(string claim)
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path, new JournalOptions { MaxWriters = 2 });
        using var writer = journal.CreateWriter();
        await writer.AppendAsync(Payload.Of(0));
        using (var child = ChildProcess.Start("claim", directory.Path, claim))
        {
            Assert.Equal("claimed", await child.ReadLineAsync());
            writer.Append(Payload.Of(1));
            var waiting = writer.AppendAsync(Payload.Of(2)).AsTask();
            child.Pause();

            // It may still be at it: what comes after waits for it, and nobody takes its place.
            Assert.Equal([0], Payload.ReadAll(journal));
            Assert.False(waiting.IsCompleted);
            child.Resume();
            await child.KillAsync();
            await waiting.WaitAsync(Limit);
        }

        Assert.Equal([0, 1, 2], Payload.ReadAll(journal));

        // The dead writer's place is free again, without anybody having opened the journal anew.
        using var second = journal.CreateWriter();
        await second.AppendAsync(Payload.Of(3)).AsTask().WaitAsync(Limit);
        Assert.Equal([0, 1, 2, 3], Payload.ReadAll(journal));
    }

    [Theory]
    [InlineData("told")]
    [InlineData("not told")]
    public async Task What_is_behind_the_claim_of_a_killed_writer_is_there_after_all_were_killed(string claim)
    {
        using var directory = new TemporaryDirectory();
        using var dying = ChildProcess.Start("claim", directory.Path, claim);
        Assert.Equal("claimed", await dying.ReadLineAsync());
        using var appending = ChildProcess.Start("append", directory.Path, "7", "Os", "100");
        for (var i = 7; i < 20; i++)
            Assert.Equal(i.ToString(CultureInfo.InvariantCulture), await appending.ReadLineAsync());
        await dying.KillAsync();
        await appending.KillAsync();
        using var journal = Journal.Open(directory.Path);
        Assert.Equal(Enumerable.Range(7, 13), Payload.ReadAll(journal).Take(13));
    }

    [Theory]
    [InlineData(JournalDurability.Os)]
    [InlineData(JournalDurability.Disk)]
    public async Task Nothing_confirmed_is_lost_when_writers_are_killed_again_and_again(JournalDurability durability)
    {
        const int Rounds = 8;
        const int PerChild = 1_000_000;
        using var directory = new TemporaryDirectory();
        var random = new Random(17);
        var confirmed = new List<int>();
        for (var round = 0; round < Rounds; round++)
        {
            var children = Enumerable.Range(0, 2).Select(id => ChildProcess.Start("append", directory.Path,
                (((2 * round) + id) * PerChild).ToString(CultureInfo.InvariantCulture), durability.ToString(),
                random.Next(8, 3000).ToString(CultureInfo.InvariantCulture))).ToArray();
            foreach (var child in children)
            {
                for (var i = random.Next(1, 100); i > 0; i--)
                    confirmed.Add(int.Parse((await child.ReadLineAsync())!, CultureInfo.InvariantCulture));
            }

            foreach (var child in children)
            {
                confirmed.AddRange((await child.KillAsync()).Select(line => int.Parse(line, CultureInfo.InvariantCulture)));
                child.Dispose();
            }
        }

        using var journal = Journal.Open(directory.Path);
        var all = Payload.ReadAll(journal);
        Assert.Empty(confirmed.Except(all));
        Assert.Equal(all.Count, all.Distinct().Count());
        foreach (var own in all.GroupBy(number => number / PerChild))
            Assert.Equal(Enumerable.Range(own.Key * PerChild, own.Count()), own);
    }
}
