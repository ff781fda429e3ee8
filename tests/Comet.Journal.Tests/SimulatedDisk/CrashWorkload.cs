using Comet.Journals.Control;
using Comet.Journals.Packing;
using Comet.Journals.Preparation;
using Comet.Journals.Records;
using Comet.Journals.Segments;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.SimulatedDisk;

/// <summary>
/// A random program over a journal on a simulated disk. Before its operations the power may go: of all that the disk may be then, some are
/// made, and each is opened and checked, while the program itself goes on. Now and then the power really goes, or all is killed.
/// </summary>
internal sealed partial class CrashWorkload(int seed, Defect defect, int images, DiskMode mode = DiskMode.Honest)
{
    private const string Directory = "/journal";
    private const int Steps = 60;
    private const int FailEvery = 40;
    private const int MostSegments = 4;

    private static readonly JournalOptions Options = new()
    {
        RollCycle = RollCycle.BySize,
        FirstSegmentLength = 16 * 1024,
        MaxSegmentLength = 16 * 1024,
        MaxWriters = 2,
        OpenTimeout = TimeSpan.Zero,
        TimeProvider = new StandingClock(),
        Keys = Keys.Ring("k")
    };

    private readonly Random _random = new(seed);
    private readonly ExpectedJournal _expected = new();
    private SimulatedFileSystem _disk = new(new Random(seed));
    private ManualQueue _background = new();
    private Journal? _journal;
    private JournalWriter? _writer;
    private NamedReader? _reader;
    private long _number;
    private long _next;
    private long _ids;
    private int _cutEvery = 3;
    private bool _alsoKills;
    private bool _isChecking;
    private bool _isOpening;
    private bool _hasFailed;

    /// <summary>How many disks were opened after a crash.</summary>
    public int States { get; private set; }

    /// <summary>The first promise that was broken; null when none was.</summary>
    public string? Failure { get; private set; }

    /// <summary>Runs lives, each ended by a power cut, until a promise is broken or there are so many.</summary>
    public void Run(int lives)
    {
        for (var life = 0; life < lives && Failure is null; life++)
        {
            _disk.BeforeOperation = MayCrash;
            _disk.Lies = mode == DiskMode.Lying;
            _disk.FailsFlush = FailsFlush;
            try
            {
                Live();
            }
            catch (JournalException failed)
            {
                Fail($"The program itself failed: {failed}");
            }

            _disk.BeforeOperation = null;
            _disk.FailsFlush = static _ => false;
            if (Failure is null)
                CutPower();
        }
    }

    /// <summary>Goes through rolls and removals, each of whose operations is one before which the power goes, and before which all
    /// processes are killed.</summary>
    public void RunRollsAndRemovals(int rolls)
    {
        (_cutEvery, _alsoKills) = (1, true);
        _disk.BeforeOperation = MayCrash;
        Open();
        for (var roll = 0; roll < rolls && Failure is null; roll++)
        {
            for (var segment = Segments(); Segments() == segment && Failure is null;)
                Append();
            CommitPlace();
            if (roll % 3 == 2)
                AppendAndWait();
            _background.Run(isLater: true);
            if (roll % 2 == 1)
                Pack();
            if (roll % 4 == 3)
                Truncate();
        }

        Close();
        _disk.BeforeOperation = null;
    }

    private void Live()
    {
        Open();
        for (var step = 0; step < Steps && Failure is null; step++)
        {
            try
            {
                Step();
            }
            catch (JournalException failed) when (_hasFailed)
            {
                GoOnAfter(failed);
            }
        }
    }

    /// <summary>A flush failed: what was being done is unknown, and nothing more is confirmed before the journal has been opened
    /// again.</summary>
    private void GoOnAfter(JournalException failed)
    {
        if (_journal!.IsFaulted && _writer is not null)
        {
            try
            {
                _writer.Append([], JournalDurability.Disk);
                Fail($"After a flush had failed an append was confirmed: {failed.Message}");
            }
            catch (JournalException refused) when (refused.Code == JournalErrorCode.Faulted)
            {
                // As it should be.
            }
        }

        Kill();
        _expected.PlaceIsUnknown();
        Open();
        if (_expected.Check(_journal, out var kept) is { } broken)
            Fail(broken);
        else
            _expected.Keep(kept, place: null);
        _next = _expected.Count > 0 ? _expected.NextSequence : _journal.LastSequence + 1;
    }

    private bool FailsFlush(string path)
    {
        var fails = mode == DiskMode.FailingFlushes && !_isChecking && !_isOpening && _random.Next(FailEvery) == 0;
        _hasFailed |= fails;
        return fails;
    }

    private void Step()
    {
        switch (_random.Next(33))
        {
            case < 16:
                Append();
                break;
            case < 21:
                _writer!.Append(Appending(), JournalDurability.Disk);
                Appended();
                _expected.Confirmed();
                break;
            case < 23:
                AppendAndWait();
                break;
            case < 27:
                _background.Run(isLater: _random.Next(2) == 0);
                break;
            case 27:
                Truncate();
                break;
            case < 30:
                CommitPlace();
                break;
            case 30:
                Close();
                Open();
                break;
            case 31:
                Pack();
                break;
            default:
                Kill();
                Open();
                break;
        }
    }

    private void Append()
    {
        for (var count = _random.Next(1, 6); count > 0; count--)
        {
            _writer!.Append(Appending());
            Appended();
        }
    }

    private void AppendAndWait()
    {
        var appending = _writer!.AppendAsync(Appending());
        Appended();
        _background.Run(isLater: false);
        if (!appending.IsCompleted)
            throw new InvalidOperationException("The flush of the only writer is not over.");
        _ = appending.GetAwaiter().GetResult();
        _expected.Confirmed();
    }

    private byte[] Appending()
    {
        var length = _random.Next(8) switch { < 4 => _random.Next(8, 60), < 7 => _random.Next(60, 600), _ => _random.Next(600, 3000) };
        var payload = new byte[length];
        new Random((int)_number).NextBytes(payload);
        BitConverter.TryWriteBytes(payload, _number++);
        _expected.Appending(_next, payload);
        return payload;
    }

    private void Appended() => _next++;

    private void Truncate()
    {
        var last = _journal!.LastSequence;
        if (Segments() < MostSegments)
            return;

        _expected.Truncating(last - 5);
        _journal.TruncateBefore(last - 5, ignoreNamedReaders: true);
    }

    private void Pack()
    {
        var work = _alsoKills ? Anything() : new JournalMaintenance { Compression = JournalCodec.Snappy };
        var failures = _journal!.RunMaintenance(work).Failures;
        if (failures.Count > 0)
            throw failures[0];
    }

    private JournalMaintenance Anything() => new()
    {
        Compression = (JournalCodec)_random.Next(3),
        Encrypt = _random.Next(2) == 0,
        Cool = _random.Next(2) == 0 ? new JournalTier("cool", TimeSpan.Zero) : null
    };

    private int Segments() => _disk.Names.Keys.Count(static name =>
        name.EndsWith(SegmentName.Extension, StringComparison.Ordinal)
        || name.EndsWith(PackedSegmentReader.Form, StringComparison.Ordinal));

    private void CommitPlace()
    {
        if (_reader is null)
        {
            _expected.Committing(_journal!.FirstSequence);
            _reader = _journal.OpenReader("reader");
            _expected.Committed(_reader.NextSequence);
        }

        for (var count = _random.Next(10); count > 0 && _reader.Reader.TryRead(out _); count--)
        {
            // Each is dealt with.
        }

        var next = _reader.Reader.GetPlace().NextSequence;
        _expected.Committing(next);
        if (_random.Next(2) == 0)
            _reader.Commit();
        else
        {
            _reader.CommitAsync().AsTask().GetAwaiter().GetResult();
            _expected.Committed(next);
        }
    }

    private void Open()
    {
        _background = new ManualQueue();
        _isOpening = true;
        _hasFailed = false;
        _journal = Journal.Open(EnvironmentOf(_disk, _background), Directory, Options);
        _isOpening = false;
        _writer = _journal.CreateWriter();
        _next = _journal.LastSequence + 1;
    }

    private void Close()
    {
        _reader?.Dispose();
        _reader = null;
        _writer!.Dispose();
        _journal!.Dispose();
        if (!_hasFailed)
            _expected.Confirmed();
    }

    /// <summary>All processes die, perhaps in the middle of an append; the machine runs on.</summary>
    private void Kill()
    {
        if (_random.Next(2) == 0 && !_journal!.IsFaulted)
            _ = new ClaimCursor(_journal.State).Claim(RecordLayout.Size(100), 1, out _);
        _reader = null;
        _disk.Kill();
    }

    private void CutPower()
    {
        var left = _disk.CutPower(_random);
        _disk.RememberLost(left);
        _disk = left;
        _reader = null;
        defect.Tamper(_disk);
        try
        {
            using var journal = Journal.Open(EnvironmentOf(_disk, new ManualQueue()), Directory, Options);
            if (_expected.Check(journal, out var kept) is { } broken)
                Fail(broken);
            else
                _expected.Keep(kept, journal.GetReaders() is [var reader] ? reader.NextSequence : null);
            States++;
        }
        catch (JournalException refused)
        {
            Fail($"The journal cannot be opened: {refused}");
        }
    }

    private JournalEnvironment EnvironmentOf(SimulatedFileSystem disk, ManualQueue background) =>
        new(defect.Wrap(disk), NextId, defect.Salts(() => (uint)_random.Next()))
        {
            Background = background,
            Maintenance = background,
            // Half of them fill spare segments until somebody waits for a flush.
            LeastAhead = seed % 2 == 0 ? PagePreparer.FastAhead : PagePreparer.LeastAhead
        };

    private Guid NextId() => new((int)++_ids, (short)(seed & 0x7FFF), 0, new byte[8]);

    private void Fail(string what) => Failure ??= $"Seed {seed}, after {States} states: {what}";

    private sealed class StandingClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 11, 26, 12, 0, 0, TimeSpan.Zero);
    }
}
