using Comet.Server.Storage.Local;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Comet.Server.Tests.Storage.Local;

/// <summary>Who may use a data directory, and what is refused with nothing changed.</summary>
public sealed class DataDirectoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Data => _folder["data"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Everything_in_it_is_its_owners_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has other rights.");
            return;
        }
        using (var storage = Open())
        {
            storage.Save(new("a/b", 1, TopicPolicy.Default));
            using var log = (LocalPartitionLog)storage.Open("a/b", 0, static _ => { }).Log;
            var batch = Broker.Batches.Make("p", 0, 1);
            Assert.True(log.TryAppend(storage.Fence, batch, Wire.RecordBatch.Open(batch), 1));
        }
        foreach (var directory in Directory.EnumerateDirectories(Data, "*", SearchOption.AllDirectories).Prepend(Data))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory));
        foreach (var file in Directory.EnumerateFiles(Data, "*", SearchOption.AllDirectories))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public void One_has_it_at_a_time_and_the_second_is_told_who()
    {
        using (Open())
        {
            var refusal = Assert.Throws<CometException>(Open);
            Assert.Equal(ErrorCode.StorageFailed, refusal.Code);
            Assert.Contains($"process {Environment.ProcessId} (", refusal.Message, StringComparison.Ordinal);
        }
        Open().Dispose();
    }

    [Fact]
    public void One_that_cannot_be_locked_for_another_reason_is_not_said_to_be_in_use()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has other errors.");
            return;
        }
        Open().Dispose();
        File.Delete(_folder["data/comet.lock"]);
        // Nothing can be opened that leads to itself.
        File.CreateSymbolicLink(_folder["data/comet.lock"], _folder["data/comet.lock"]);
        var refusal = Assert.Throws<CometException>(Open);
        Assert.Contains("cannot be used", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_others_may_write_to_is_refused()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has other rights.");
            return;
        }
        Directory.CreateDirectory(Data);
        File.SetUnixFileMode(Data, (UnixFileMode)0b111_111_101);
        Assert.Contains("chmod 700", Assert.Throws<CometException>(Open).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Data));
    }

    [Fact]
    public void One_that_holds_something_else_is_refused()
    {
        Directory.CreateDirectory(Data);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.WriteAllText(_folder["data/letters.txt"], "dear reader");
        Assert.Contains("not empty", Assert.Throws<CometException>(Open).Message, StringComparison.Ordinal);
        Assert.Equal("dear reader", File.ReadAllText(_folder["data/letters.txt"]));
        Assert.Single(Directory.EnumerateFileSystemEntries(Data));
    }

    [Fact]
    public void A_later_format_is_refused()
    {
        Open().Dispose();
        File.WriteAllText(_folder["data/comet.format"], "comet data 2\n");
        var before = Hash();
        Assert.Contains("'comet data 2'", Assert.Throws<CometException>(Open).Message, StringComparison.Ordinal);
        Assert.Equal(before, Hash());
    }

    [Fact]
    public void A_later_schema_of_the_metadata_is_refused()
    {
        Open().Dispose();
        using (var connection = new SqliteConnection($"Data Source={_folder["data/metadata.db"]};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = $"PRAGMA user_version = {MetadataFile.SchemaVersion + 1}";
            command.ExecuteNonQuery();
        }
        var refusal = Assert.Throws<CometException>(Open);
        Assert.Equal(ErrorCode.UnsupportedVersion, refusal.Code);
        Assert.True(File.Exists(_folder["data/metadata.db"]));
        Assert.DoesNotContain(Directory.EnumerateFiles(Data), static file => file.Contains("damaged", StringComparison.Ordinal));
    }

    [Fact]
    public void The_token_of_the_owner_rises_with_every_start()
    {
        var last = 0L;
        for (var i = 0; i < 3; i++)
        {
            using var storage = Open();
            Assert.True(storage.Fence.Epoch > last);
            last = storage.Fence.Epoch;
        }
    }

    [Theory]
    [InlineData("a", 1, "a~1")]
    [InlineData("a/b.c/D_-", 12, "a~b.c~D_-~12")]
    public void A_topic_has_a_directory_that_tells_its_name(string topic, long id, string expected)
    {
        Assert.Equal(expected, TopicDirectory.NameOf(topic, id));
        Assert.True(TopicDirectory.TryParse(expected, out var parsed, out var number));
        Assert.Equal((topic, id), (parsed, number));
    }

    [Theory]
    [InlineData("a")]
    [InlineData("~1")]
    [InlineData("a~")]
    [InlineData("a~-1")]
    [InlineData("a~0")]
    [InlineData("..~1")]
    [InlineData("a~~1")]
    [InlineData("a b~1")]
    public void Other_directories_are_no_topics(string name) => Assert.False(TopicDirectory.TryParse(name, out _, out _));

    private LocalStorage Open() => new(
        new LocalStorageOptions { Directory = Data }.Validated(), 1 << 20, TimeProvider.System, NullLogger.Instance);

    private string Hash() => string.Join('\n', Directory.EnumerateFiles(Data, "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)
        .Where(static file => !file.EndsWith(".pid", StringComparison.Ordinal))
        .Select(static file => $"{file} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)))}"));
}
