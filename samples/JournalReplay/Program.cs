using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Comet.Journals;

// A morning of trades, recorded and replayed: twice with the same hash, from the middle of the morning, and in its own rhythm at half
// its speed.
var directory = Directory.CreateTempSubdirectory("comet-journal-replay-").FullName;
var serializer = JournalSerializers.Json(TradeContext.Default.Trade);
using (var journal = Journal.Open(directory, new JournalOptions { FirstSegmentLength = 64 * 1024, MaxSegmentLength = 256 * 1024 }))
{
    var random = new Random(7);
    using (var writer = journal.CreateWriter(serializer))
    {
        for (var i = 0; i < 10_000; i++)
            writer.Append(new Trade($"T{i % 7}", 100 + (decimal)random.Next(-500, 500) / 100));
    }

    Console.WriteLine($"{journal.Count()} trades. First replay {await HashAsync(journal)}, second {await HashAsync(journal)}.");

    using var reader = journal.CreateReader(serializer, JournalStart.AtSequence(5_000));
    if (reader.TryRead(out var middle))
        Console.WriteLine($"In the middle: {middle.Value} at {middle.Timestamp.ToString("O", CultureInfo.InvariantCulture)}.");
    Console.WriteLine($"From that time on there are {journal.LastSequence - await FirstSinceAsync(journal, middle.Timestamp) + 1}.");

    var started = TimeProvider.System.GetTimestamp();
    var count = 0;
    await foreach (var _ in journal.ReplayAsync(new JournalReplay { Speed = 0.5, ToSequence = 1_000 }))
        count++;
    Console.WriteLine($"{count} at half their speed in {TimeProvider.System.GetElapsedTime(started).TotalMilliseconds:0} ms.");
}

Directory.Delete(directory, recursive: true);

static async Task<string> HashAsync(Journal journal)
{
    using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    await foreach (var entry in journal.ReplayAsync())
        hash.AppendData(entry.Value.Span);
    return Convert.ToHexString(hash.GetHashAndReset())[..16];
}

static async Task<long> FirstSinceAsync(Journal journal, DateTimeOffset time)
{
    await foreach (var entry in journal.ReplayAsync(new JournalReplay { From = JournalStart.AtTime(time) }))
        return entry.Sequence;
    return journal.LastSequence + 1;
}

internal sealed record Trade(string Id, decimal Price);

[JsonSerializable(typeof(Trade))]
internal sealed partial class TradeContext : JsonSerializerContext;
