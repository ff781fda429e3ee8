using System.Globalization;
using Comet.Journals.Tests.Processes;
using Comet.Journals.Tests.Support;

namespace Comet.Journals.Tests.Durability;

public sealed class FullDiskTests
{
    private static readonly JournalOptions Small = new() { FirstSegmentLength = 16 * 1024, MaxSegmentLength = 16 * 1024 };

    [Fact]
    public async Task A_full_disk_refuses_the_append_and_what_is_there_stays_readable_and_can_be_confirmed()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path, Small);
        using var writer = journal.CreateWriter();
        files.BeforePreallocate = (_, _) => throw new JournalException(JournalErrorCode.StorageFull, "No room.");
        var count = Fill(writer, 0, out var refused);
        Assert.Equal(JournalErrorCode.StorageFull, refused.Code);
        Assert.True(refused.IsTransient);
        Assert.False(journal.IsFaulted);
        Assert.Equal(Enumerable.Range(0, count), Payload.ReadAll(journal));
        await journal.FlushAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));
        for (var i = 0; i < 100; i++)
            Assert.Equal(JournalErrorCode.StorageFull, Assert.Throws<JournalException>(() => writer.Append(Payload.Of(count, 1000))).Code);

        files.BeforePreallocate = null;
        for (var i = count; i < count + 50; i++)
            Assert.Equal(i, (await writer.AppendAsync(Payload.Of(i, 1000))).Sequence);
        Assert.Equal(Enumerable.Range(0, count + 50), Payload.ReadAll(journal));
    }

    /// <summary>A journal whose segments have become long goes on in what room there is.</summary>
    [Fact]
    public void Where_there_is_no_room_for_a_long_segment_a_shorter_one_is_made()
    {
        const long Room = 40 * 1024;
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem();
        using var journal = Journal.Open(files.Environment, directory.Path, Small with { MaxSegmentLength = 1024 * 1024 });
        using var writer = journal.CreateWriter();
        for (var i = 0; i < 300; i++)
            writer.Append(Payload.Of(i, 1000));
        files.BeforePreallocate = static (_, length) =>
        {
            if (length > Room)
                throw new JournalException(JournalErrorCode.StorageFull, "No room.");
        };
        for (var i = 300; i < 3000; i++)
            writer.Append(Payload.Of(i, 1000));
        Assert.Equal(Enumerable.Range(0, 3000), Payload.ReadAll(journal));
        Assert.Equal(JournalErrorCode.StorageFull, Assert.Throws<JournalException>(() => writer.Append(new byte[2 * Room])).Code);
        Assert.Equal(3000, writer.Append(Payload.Of(3000)).Sequence);
    }

    [Fact]
    public void A_journal_that_was_full_when_its_process_ended_is_opened_when_there_is_room()
    {
        using var directory = new TemporaryDirectory();
        var files = new TracedFileSystem { SessionId = Guid.NewGuid() };
        int count;
        using (var journal = Journal.Open(files.Environment, directory.Path, Small))
        using (var writer = journal.CreateWriter())
        {
            files.BeforePreallocate = (_, _) => throw new JournalException(JournalErrorCode.StorageFull, "No room.");
            count = Fill(writer, 0, out _);
        }

        var restarted = new TracedFileSystem { SessionId = Guid.NewGuid(), BeforePreallocate = files.BeforePreallocate };
        var refused = Assert.Throws<JournalException>(() => Journal.Open(restarted.Environment, directory.Path, Small));
        Assert.Equal(JournalErrorCode.StorageFull, refused.Code);
        restarted.BeforePreallocate = null;
        using var again = Journal.Open(restarted.Environment, directory.Path, Small);
        Assert.Equal(Enumerable.Range(0, count), Payload.ReadAll(again));
        using var next = again.CreateWriter();
        Assert.Equal(count, next.Append(Payload.Of(count)).Sequence);
    }

    [Fact]
    public async Task A_full_tmpfs_kills_nobody_and_appends_go_on_once_there_is_room()
    {
        using var directory = new TemporaryDirectory();
        if (!OperatingSystem.IsLinux() || !Tool.Run("mount", "-t", "tmpfs", "-o", "size=1536k", "tmpfs", directory.Path))
            Assert.Skip("Mounting a tmpfs takes Linux and root.");
        try
        {
            var ballast = Path.Combine(directory.Path, "ballast");
            await File.WriteAllBytesAsync(ballast, new byte[768 * 1024]);
            // Opening takes room as well, for the next segment.
            var reserve = Path.Combine(directory.Path, "reserve");
            await File.WriteAllBytesAsync(reserve, new byte[128 * 1024]);
            var path = Path.Combine(directory.Path, "journal");
            int before, after;
            using (var child = ChildProcess.Start("fill", path))
            {
                before = Number(await child.ReadLineAsync());
                // Whatever is left over, down to the last page.
                FillUp(Path.Combine(directory.Path, "rest"));
                child.Say("go on");
                Assert.Equal(before, Number(await child.ReadLineAsync()));
                File.Delete(ballast);
                child.Say("go on");
                after = Number(await child.ReadLineAsync());
                Assert.True(after > before + 100);
                await child.KillAsync();
            }

            File.Delete(reserve);
            using var journal = Journal.Open(path);
            Assert.Equal(Enumerable.Range(0, after), Payload.ReadAll(journal));
        }
        finally
        {
            Assert.True(Tool.Run("umount", "-l", directory.Path));
        }
    }

    private static int Fill(JournalWriter writer, int from, out JournalException refused)
    {
        for (var i = from; ; i++)
        {
            try
            {
                writer.Append(Payload.Of(i, 1000));
            }
            catch (JournalException full)
            {
                refused = full;
                return i;
            }
        }
    }

    private static void FillUp(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        var page = new byte[4096];
        try
        {
            while (true)
                file.Write(page);
        }
        catch (IOException full) when ((full.HResult & 0xFFFF) == 28)
        {
            // That was the purpose.
        }
    }

    private static int Number(string? line) => int.Parse(line!, CultureInfo.InvariantCulture);
}
