using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.SimulatedDisk;

internal sealed partial class CrashWorkload
{
    private void MayCrash()
    {
        if (_isChecking || Failure is not null || _random.Next(_cutEvery) != 0)
            return;

        _isChecking = true;
        for (var i = 0; i < images && Failure is null; i++)
            CheckOne(_disk.CutPower(_random));
        if (_alsoKills && Failure is null)
            CheckOne(_disk.KillAll());
        _isChecking = false;
    }

    private void CheckOne(SimulatedFileSystem left)
    {
        defect.Tamper(left);
        try
        {
            if (_random.Next(8) == 0)
                left = RecoverHalf(left);
            using (var journal = Journal.Open(EnvironmentOf(left, new ManualQueue()), Directory, Options))
            {
                if (_expected.Check(journal, out _) is { } broken)
                    Fail(broken);
                else if (_alsoKills && _random.Next(16) == 0)
                    CheckThatWorkIsFinished(journal);
                else if (_random.Next(4) == 0)
                    CheckThatItGoesOn(journal);
            }
        }
        catch (JournalException refused)
        {
            Fail($"The journal cannot be opened: {refused}");
        }

        States++;
        left.Recycle();
    }

    /// <summary>The power goes again, while the journal is being opened or closed.</summary>
    private SimulatedFileSystem RecoverHalf(SimulatedFileSystem left)
    {
        left.CutAt = _random.Next(25);
        try
        {
            Journal.Open(EnvironmentOf(left, new ManualQueue()), Directory, Options).Dispose();
        }
        catch (CutOffException)
        {
            // That was the purpose.
        }

        States++;
        var again = left.CutPower(_random);
        left.Recycle();
        return again;
    }

    /// <summary>The next run of maintenance does what was cut off, and nothing is lost by it.</summary>
    private void CheckThatWorkIsFinished(Journal journal)
    {
        var failures = journal.RunMaintenance(Anything()).Failures;
        if (failures.Count > 0)
            Fail($"Maintenance cannot go on: {failures[0]}");
        else if (_expected.Check(journal, out _) is { } broken)
            Fail($"After maintenance: {broken}");
    }

    private void CheckThatItGoesOn(Journal journal)
    {
        using var writer = journal.CreateWriter();
        var last = journal.LastSequence;
        var payload = new byte[20];
        var position = writer.Append(payload, JournalDurability.Disk);
        using var reader = journal.CreateReader(JournalStart.AtSequence(position.Sequence));
        if (position.Sequence <= last || !reader.TryRead(out var record) || !record.Payload.SequenceEqual(payload))
            Fail($"Behind record {last} the journal does not go on: the next got {position.Sequence}.");
    }
}
