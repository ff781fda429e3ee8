using Comet.Journals.Background;
using Comet.Journals.FileSystem;
using Comet.Journals.Preparation;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Preparation;

public sealed class SpareSegmentsTests
{
    private const long Length = 64 * 1024;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task One_that_is_ready_is_had_while_another_is_being_made()
    {
        using var directory = new TemporaryDirectory();
        using var first = new ManualResetEventSlim();
        using var second = new ManualResetEventSlim();
        var made = 0;
        var spares = Spares(directory, length =>
        {
            if (++made == 2)
            {
                first.Set();
                Assert.True(second.Wait(Limit));
            }

            return Make(directory, made, length);
        });
        spares.Request(Length, 2);
        Assert.True(first.Wait(Limit));
        using (var ready = await Task.Run(() => spares.Take(Length)).WaitAsync(Limit))
            Assert.EndsWith("1", ready.File.Path, StringComparison.Ordinal);
        var waiting = Task.Run(() => spares.Take(Length));
        second.Set();
        using (var next = await waiting.WaitAsync(Limit))
            Assert.EndsWith("2", next.File.Path, StringComparison.Ordinal);
        spares.Close();
    }

    [Fact]
    public void Those_that_are_too_short_are_deleted_and_one_is_made()
    {
        using var directory = new TemporaryDirectory();
        var made = 0;
        var spares = Spares(directory, length => Make(directory, ++made, length));
        spares.Return(Make(directory, 0, Length));
        using (var taken = spares.Take(2 * Length))
            Assert.Equal(2 * Length, taken.Mapping.Length);
        Assert.Equal(["1"], Directory.GetFiles(directory.Path).Select(Path.GetFileName));
        spares.Close();
    }

    [Fact]
    public void Closing_deletes_them_and_resting_leaves_one()
    {
        using var directory = new TemporaryDirectory();
        var made = 0;
        var spares = new SpareSegments(
            length => Make(directory, ++made, length), File.Delete, static () => new SpareGoal(0, Fills: false), new AtOnce());
        spares.Request(Length, 2);
        Assert.Equal(2, Directory.GetFiles(directory.Path).Length);
        spares.Rest();
        Assert.Single(Directory.GetFiles(directory.Path));
        spares.Close();
        Assert.Empty(Directory.GetFiles(directory.Path));
    }

    /// <summary>Where nothing is renamed in one step, the new name may be there and the old one, too; or the answer is lost.</summary>
    [Fact]
    public void One_that_may_have_become_a_segment_does_not_become_another()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using (var journal = Journal.Open(
            files.Environment, directory.Path, new JournalOptions { FirstSegmentLength = Length, MaxSegmentLength = Length }))
        using (var writer = journal.CreateWriter())
        {
            files.AfterRename = path =>
            {
                files.AfterRename = null;
                throw new JournalException(JournalErrorCode.StorageError, $"{path} may be there or not.");
            };
            var (number, failures) = (0, 0);
            for (var segment = 1L; segment < 5 && failures < 10;)
            {
                try
                {
                    segment = writer.Append(Payload.Of(number, 1000)).Segment;
                    number++;
                }
                catch (JournalException)
                {
                    failures++;
                }
            }

            Assert.Equal(1, failures);
            Assert.Equal(Enumerable.Range(0, number), Payload.ReadAll(journal));
        }

        Assert.Empty(Journal.Verify(directory.Path).Damages);
    }

    private static SpareSegments Spares(TemporaryDirectory directory, Func<long, SpareSegment> make) =>
        new(make, File.Delete, static () => new SpareGoal(Length, Fills: false), BackgroundThreads.Shared);

    private static SpareSegment Make(TemporaryDirectory directory, int number, long length)
    {
        var file = FileSystems.Default.Open(Path.Combine(directory.Path, $"{number}"), FileOpening.Create);
        file.Preallocate(length);
        return new SpareSegment(file, file.Map(length, writable: true), 0);
    }
}
