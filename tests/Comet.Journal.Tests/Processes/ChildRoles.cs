using System.Globalization;
using Comet.Journals.Control;
using Comet.Journals.Preparation;
using Comet.Journals.Records;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Processes;

/// <summary>What a child process does. It tells of its progress line by line.</summary>
internal static class ChildRoles
{
    public static async Task<int> RunAsync(string role, string directory, string[] args)
    {
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        switch (role)
        {
            case "append":
                await AppendAsync(output, directory, Number(args[0]), Enum.Parse<JournalDurability>(args[1]), Number(args[2]));
                break;
            case "append to the end":
                await AppendToTheEndAsync(output, directory, Number(args[0]));
                break;
            case "fill":
                Fill(output, directory);
                break;
            case "claim":
                Claim(output, directory, args[0]);
                break;
            default:
                var isKnown = MaintenanceRoles.Run(output, role, directory, args)
                    || await ReadingRoles.RunAsync(output, role, directory, args);
                return isKnown ? 0 : 2;
        }

        return 0;
    }

    /// <summary>Appends records of its own, numbered from a start, and tells each number once it is confirmed.</summary>
    private static async Task AppendAsync(StreamWriter output, string directory, int first, JournalDurability durability, int length)
    {
        var options = new JournalOptions { FirstSegmentLength = 64 * 1024, MaxSegmentLength = 256 * 1024 };
        // As if it were fast: who waits for no flush has spare segments filled in the background.
        using var journal = Journal.Open(
            JournalEnvironment.Default with { LeastAhead = PagePreparer.FastAhead }, directory, options);
        using var writer = journal.CreateWriter();
        for (var i = first; ; i++)
        {
            await writer.AppendAsync(Payload.Of(i, length), durability);
            await output.WriteLineAsync(i.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Appends at the level Disk from a number on and tells each once it is confirmed, until one is refused, which it tells; then
    /// some further ones in the same way. Ends after many in any case.</summary>
    private static async Task AppendToTheEndAsync(StreamWriter output, string directory, int first)
    {
        const int FurtherTries = 50;
        const int Most = 3000;
        var left = Most;
        try
        {
            var options = new JournalOptions { FirstSegmentLength = 64 * 1024, MaxSegmentLength = 64 * 1024 };
            using var journal = Journal.Open(directory, options);
            using var writer = journal.CreateWriter();
            for (var i = first; left > 0; i++, left--)
            {
                try
                {
                    await writer.AppendAsync(Payload.Of(i, 700));
                    await output.WriteLineAsync(new Confirmation(i, TimeProvider.System.GetTimestamp()).ToString());
                }
                catch (JournalException refused)
                {
                    left = Math.Min(left, FurtherTries);
                    await output.WriteLineAsync($"refused {refused.Code}");
                }
            }
        }
        catch (JournalException refused)
        {
            await output.WriteLineAsync($"not opened {refused.Code}");
        }
    }

    /// <summary>Appends until there is no room, tells how many there are, and goes on when told to.</summary>
    private static void Fill(StreamWriter output, string directory)
    {
        using var journal = Journal.Open(directory, new JournalOptions { FirstSegmentLength = 64 * 1024, MaxSegmentLength = 256 * 1024 });
        using var writer = journal.CreateWriter();
        var count = 0;
        do
        {
            try
            {
                while (true)
                {
                    writer.Append(Payload.Of(count, 1000));
                    count++;
                }
            }
            catch (JournalException full) when (full is { Code: JournalErrorCode.StorageFull, IsTransient: true })
            {
                output.WriteLine(count.ToString(CultureInfo.InvariantCulture));
            }
        }
        while (Console.In.ReadLine() == "go on");
    }

    /// <summary>Appends a record, then claims space and stops there: after it has told where, or before.</summary>
    private static unsafe void Claim(StreamWriter output, string directory, string how)
    {
        var state = JournalOpener.Open(JournalEnvironment.Default, directory, new JournalOptions());
        if (how == "batch")
        {
            // The last of three records is published, the first is not.
            var cursor = new ClaimCursor(state);
            var size = RecordLayout.Size(500);
            var claim = cursor.Claim(3 * size, 3, out var time);
            var last = cursor.Start + TailWord.Position(claim) + (2 * size);
            cursor.Publish(last, RecordLayout.Word(RecordKind.Data, 500), time, cursor.FirstSequence + TailWord.Count(claim) + 2);
        }
        else if (how == "told")
        {
            var cursor = new ClaimCursor(state);
            var claim = cursor.Claim(RecordLayout.Size(500), 1, out _);
            new Span<byte>(cursor.Start + TailWord.Position(claim) + RecordLayout.HeaderLength, 300).Fill(0xAB);
        }
        else
        {
            var slot = state.TakeSlot();
            slot.Claim = 0;
            slot.Intent = (ulong)RecordLayout.Size(500);
            Interlocked.Add(ref *state.Control!.Tail, TailWord.Claim(RecordLayout.Size(500), 1));
        }

        output.WriteLine("claimed");
        Console.In.ReadLine();
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
