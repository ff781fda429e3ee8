using System.Globalization;
using System.Security.Cryptography;
using System.Runtime.InteropServices;
using Comet.Journals.Control;
using Comet.Journals.Preparation;
using Comet.Journals.Records;

namespace Comet.Journals.Tests.Processes;

/// <summary>What child processes do that read, or that stop in places that readers have to pass.</summary>
internal static class ReadingRoles
{
    public const int RecordLength = 16;

    private const long Most = 50_000;

    private static readonly JournalOptions SmallSegments = new() { FirstSegmentLength = 64 * 1024, MaxSegmentLength = 256 * 1024 };

    /// <summary>False when there is no such role.</summary>
    public static async Task<bool> RunAsync(StreamWriter output, string role, string directory, string[] args)
    {
        switch (role)
        {
            case "number":
                await NumberAsync(output, directory, long.Parse(args[0], CultureInfo.InvariantCulture));
                return true;
            case "follow":
                await FollowAsync(output, directory);
                return true;
            case "commit":
                Commit(output, directory, args[0]);
                return true;
            case "stop in claim":
                StopInClaim(output, directory);
                return true;
            case "stop in batch":
                StopInBatch(output, directory);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Appends (id, 0), (id, 1), ... one by one and in batches, and waits for its end when they are many.</summary>
    private static async Task NumberAsync(StreamWriter output, string directory, long id)
    {
        // Every other one as if it were fast: its spare segments are filled in the background.
        var ahead = id % 2 == 0 ? PagePreparer.FastAhead : PagePreparer.LeastAhead;
        using var journal = Journal.Open(JournalEnvironment.Default with { LeastAhead = ahead }, directory, SmallSegments);
        using var writer = journal.CreateWriter();
        var random = new Random((int)id);
        for (var next = 0L; next < Most;)
        {
            var batch = new ReadOnlyMemory<byte>[random.Next(1, 6)];
            for (var i = 0; i < batch.Length; i++)
                batch[i] = Numbered(id, next++);
            if (batch.Length == 1)
                writer.Append(batch[0].Span);
            else
                writer.AppendBatch(batch);
            if (next < 6)
                await output.WriteLineAsync("begun");
            // Leaves the processors to the others now and then, as work between appends would.
            if (random.Next(16) == 0)
                await Task.Yield();
        }

        _ = await Console.In.ReadLineAsync();
    }

    /// <summary>Reads from the first record on, asleep whenever there is none, up to an empty one, and tells how many there were before and
    /// their hash. Tells at once when a writer's records are not in its order.</summary>
    private static async Task FollowAsync(StreamWriter output, string directory)
    {
        using var journal = Journal.Open(directory, SmallSegments);
        using var reader = journal.CreateReader();
        var last = new Dictionary<long, long>();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (count, sequence) = (0L, -1L);
        await output.WriteLineAsync("begun");
        while (true)
        {
            await reader.WaitAsync();
            while (reader.TryRead(out var record))
            {
                if (record.Payload.IsEmpty)
                {
                    output.WriteLine($"{count} {Convert.ToHexString(hash.GetHashAndReset())}");
                    return;
                }

                var numbers = MemoryMarshal.Cast<byte, long>(record.Payload);
                if (numbers[1] != last.GetValueOrDefault(numbers[0], -1) + 1 || record.Sequence <= sequence)
                    output.WriteLine($"out of order: {numbers[0]}, {numbers[1]} at {record.Sequence} after {sequence}");
                last[numbers[0]] = numbers[1];
                sequence = record.Sequence;
                hash.AppendData(record.Payload);
                count++;
            }
        }
    }

    /// <summary>Commits record after record, and tells each once it is committed.</summary>
    private static void Commit(StreamWriter output, string directory, string name)
    {
        using var journal = Journal.Open(directory);
        using var named = journal.OpenReader(name);
        output.WriteLine($"begins with {named.NextSequence}");
        while (named.Reader.TryRead(out var record))
        {
            named.Commit();
            output.WriteLine(record.Sequence.ToString(CultureInfo.InvariantCulture));
        }

        Console.In.ReadLine();
    }

    /// <summary>Stops between claim and publication, and goes on when told to.</summary>
    private static unsafe void StopInClaim(StreamWriter output, string directory)
    {
        using var state = JournalOpener.Open(JournalEnvironment.Default, directory, new JournalOptions());
        using var cursor = new ClaimCursor(state);
        var size = RecordLayout.Size(RecordLength);
        var claim = cursor.Claim(size, 1, out var timestamp);
        output.WriteLine("claimed");
        Console.In.ReadLine();
        var record = cursor.Start + TailWord.Position(claim);
        Numbered(-1, 0).CopyTo(new Span<byte>(record + RecordLayout.HeaderLength, RecordLength));
        cursor.Publish(record, RecordLayout.Word(RecordKind.Data, RecordLength), timestamp,
            cursor.FirstSequence + TailWord.Count(claim));
        cursor.Complete(claim, size, 1);
        output.WriteLine("published");
    }

    /// <summary>Publishes all records of a batch but the first, and stops there.</summary>
    private static unsafe void StopInBatch(StreamWriter output, string directory)
    {
        const int Count = 5;
        var state = JournalOpener.Open(JournalEnvironment.Default, directory, new JournalOptions());
        var cursor = new ClaimCursor(state);
        var size = RecordLayout.Size(RecordLength);
        var claim = cursor.Claim(Count * size, Count, out var timestamp);
        for (var i = Count - 1; i > 0; i--)
        {
            var record = cursor.Start + TailWord.Position(claim) + (i * size);
            Numbered(-1, i).CopyTo(new Span<byte>(record + RecordLayout.HeaderLength, RecordLength));
            cursor.Publish(record, RecordLayout.Word(RecordKind.Data, RecordLength), timestamp,
                cursor.FirstSequence + TailWord.Count(claim) + i);
        }

        output.WriteLine("claimed");
        Console.In.ReadLine();
    }

    private static byte[] Numbered(long id, long number)
    {
        var bytes = new byte[RecordLength];
        BitConverter.TryWriteBytes(bytes, id);
        BitConverter.TryWriteBytes(bytes.AsSpan(sizeof(long)), number);
        return bytes;
    }
}
