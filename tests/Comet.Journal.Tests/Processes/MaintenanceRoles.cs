using System.Globalization;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Processes;

/// <summary>What child processes do while segments are packed and moved.</summary>
internal static class MaintenanceRoles
{
    /// <summary>False when there is no such role.</summary>
    public static bool Run(StreamWriter output, string role, string directory, string[] args)
    {
        switch (role)
        {
            case "read on":
                ReadOn(output, directory, int.Parse(args[0], CultureInfo.InvariantCulture));
                return true;
            case "pack":
                Pack(output, directory);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Reads some records, waits, and reads the others; tells how many there were.</summary>
    private static void ReadOn(StreamWriter output, string directory, int first)
    {
        using var journal = Journal.Open(directory, PackedJournal.Options with { Keys = Keys.Ring("k") });
        using var reader = journal.CreateReader();
        var count = 0;
        while (count < first && reader.TryRead(out _))
            count++;
        output.WriteLine(count.ToString(CultureInfo.InvariantCulture));
        Console.In.ReadLine();
        while (reader.TryRead(out var record) && record.Sequence == count)
            count++;
        output.WriteLine(count.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Packs, encrypts and moves, again and again, and tells how many segments that were each time, and each failure.</summary>
    private static void Pack(StreamWriter output, string directory)
    {
        using var journal = Journal.Open(directory, PackedJournal.Options with { Keys = Keys.Ring("k") });
        var maintenance = new JournalMaintenance
        {
            Compression = JournalCodec.Lz4,
            Encrypt = true,
            Cool = new JournalTier("cool", TimeSpan.FromMilliseconds(20))
        };
        output.WriteLine("begun");
        while (true)
        {
            var result = journal.RunMaintenance(maintenance);
            foreach (var failure in result.Failures)
                output.WriteLine(failure.Message);
            if (result.Packed > 0)
                output.WriteLine(result.Packed.ToString(CultureInfo.InvariantCulture));
        }
    }
}
