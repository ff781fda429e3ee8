using System.Security.Cryptography;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Journals.Tests.Replay;

public sealed class ReplayTests
{
    [Fact]
    public void Each_replay_gives_the_same_bytes_times_and_places_across_rolls() => Gen.Byte.Array[0, 4000].Array[0, 200].Sample(payloads =>
    {
        using var directory = new TemporaryDirectory();
        var options = new JournalOptions { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 64 * 1024 };
        string first;
        using (var journal = Journal.Open(directory.Path, options))
        using (var writer = journal.CreateWriter())
        {
            foreach (var payload in payloads)
                writer.Append(payload);
            first = Hash(journal);
            Assert.Equal(first, Hash(journal));
        }

        using var again = Journal.Open(directory.Path, options);
        Assert.Equal(first, Hash(again));
        using var reading = Journal.Open(directory.Path, options with { Access = JournalAccess.ReadOnly });
        Assert.Equal(first, Hash(reading));
    }, iter: 10);

    [Fact]
    public async Task It_ends_where_it_is_told_to_and_does_not_wait_for_more()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 10; i++)
            writer.Append("x"u8);
        var seen = new List<long>();
        await foreach (var entry in journal.ReplayAsync())
        {
            writer.Append("later"u8);
            seen.Add(entry.Sequence);
        }

        Assert.Equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], seen);
        seen.Clear();
        await foreach (var entry in journal.ReplayAsync(new JournalReplay { From = JournalStart.AtSequence(3), ToSequence = 6 }))
            seen.Add(entry.Sequence);
        Assert.Equal([3, 4, 5], seen);
        Assert.Throws<ArgumentException>(() => journal.ReplayAsync(new JournalReplay { Speed = 0 }));
    }

    [Fact]
    public async Task It_keeps_the_pauses_of_the_original_by_any_clock_and_speed()
    {
        int[] pauses = [0, 10, 0, 4, -3600, 3601, 20];
        using var directory = new TemporaryDirectory();
        var past = new FakeTimeProvider();
        using var journal = Journal.Open(directory.Path, new JournalOptions { TimeProvider = past, RollCycle = RollCycle.BySize });
        using (var writer = journal.CreateWriter())
        {
            foreach (var pause in pauses)
            {
                past.AdjustTime(past.GetUtcNow().AddSeconds(pause));
                writer.Append("x"u8);
            }
        }

        // Each step of the clock is taken only when the replay waits for it.
        var now = new FakeTimeProvider();
        var started = now.GetUtcNow();
        var due = new List<double>();
        await using var replay = journal.ReplayAsync(new JournalReplay { Speed = 2, TimeProvider = now })
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        foreach (var _ in pauses)
        {
            var next = replay.MoveNextAsync().AsTask();
            while (!next.IsCompleted)
                now.Advance(TimeSpan.FromMilliseconds(500));
            Assert.True(await next);
            due.Add((now.GetUtcNow() - started).TotalSeconds);
        }

        Assert.Equal([0, 5, 5, 7, 7, 7.5, 17.5], due);
    }

    private static string Hash(Journal journal)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var entries = journal.ReplayAsync().GetAsyncEnumerator();
        // Nothing is waited for without a speed: every step is complete at once.
        while (entries.MoveNextAsync().AsTask() is { IsCompletedSuccessfully: true, Result: true })
        {
            hash.AppendData(entries.Current.Value.Span);
            hash.AppendData(BitConverter.GetBytes(entries.Current.Timestamp.Ticks));
            hash.AppendData(BitConverter.GetBytes(entries.Current.Position.FilePosition));
            hash.AppendData(BitConverter.GetBytes(entries.Current.Sequence));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
