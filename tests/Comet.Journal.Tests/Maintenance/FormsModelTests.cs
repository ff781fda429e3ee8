using Comet.Journals.Tests.Support;
using CsCheck;
using Microsoft.Extensions.Time.Testing;

namespace Comet.Journals.Tests.Maintenance;

public sealed class FormsModelTests
{
    [Fact]
    public void Whatever_is_packed_encrypted_moved_and_removed_in_between_the_contents_and_places_are_the_same() =>
        Gen.Int.Sample(seed => new Run(seed).Go(), iter: 25);

    [Fact]
    public void Long_records_and_empty_ones_fill_blocks_of_their_own() =>
        Gen.Int.Sample(seed => new Run(seed, maxLength: 200_000).Go(), iter: 4);

    private sealed class Run(int seed, int maxLength = 3000)
    {
        private readonly Random _random = new(seed);
        private readonly JournalModel _model = new();
        private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        private JournalKeyRing _keys = Keys.Ring("first");

        public void Go()
        {
            using var directory = new TemporaryDirectory();
            using var elsewhere = new TemporaryDirectory();
            for (var sessions = _random.Next(1, 4); sessions > 0; sessions--)
            {
                using var journal = Journal.Open(directory.Path, Options());
                using var writer = journal.CreateWriter();
                for (var steps = _random.Next(1, 5); steps > 0; steps--)
                {
                    Step(journal, writer, elsewhere.Path);
                    _model.AssertHeldBy(journal, _random);
                }
            }

            using var reading = Journal.Open(directory.Path, Options() with { Access = JournalAccess.ReadOnly });
            _model.AssertHeldBy(reading, _random);
        }

        private void Step(Journal journal, JournalWriter writer, string elsewhere)
        {
            for (var count = _random.Next(1, 60); count > 0; count--)
            {
                var payload = new byte[_random.Next(4) == 0 ? 0 : _random.Next(maxLength)];
                if (_random.Next(2) == 0)
                    _random.NextBytes(payload);
                _model.Append(writer, payload, _time.GetUtcNow());
                _time.Advance(TimeSpan.FromSeconds(_random.Next(3)));
            }

            journal.FlushAsync().AsTask().GetAwaiter().GetResult();
            var result = journal.RunMaintenance(Work(elsewhere));
            Assert.Empty(result.Failures);
            if (_random.Next(4) == 0 && _model.Entries.Count > 0)
                _ = journal.TruncateBefore(_model.Entries[_random.Next(_model.Entries.Count)].Position.Sequence);
            _model.RemoveBefore(journal.FirstSequence);
            if (_random.Next(4) == 0)
                _keys = Keys.Ring("first", "second");
        }

        private JournalMaintenance Work(string elsewhere) => new()
        {
            Compression = (JournalCodec)_random.Next(3),
            CompressionLevel = _random.Next(0, 13),
            Encrypt = _random.Next(3) == 0,
            Cool = _random.Next(2) == 0 ? new JournalTier("cool", TimeSpan.FromSeconds(_random.Next(60))) : null,
            Cold = _random.Next(3) == 0 ? new JournalTier(elsewhere, TimeSpan.FromSeconds(60 + _random.Next(60))) : null,
            RetainBytes = _random.Next(8) == 0 ? 200_000 : null
        };

        private JournalOptions Options() => new()
        {
            FirstSegmentLength = 16 * 1024,
            MaxSegmentLength = 256 * 1024,
            RollCycle = RollCycle.Minute,
            TimeProvider = _time,
            Keys = _keys
        };
    }
}
