using Comet.Server.Storage;
using Comet.Server.Storage.Local;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Comet.Server.Tests.Storage.Local;

/// <summary>What becomes of a data directory whose metadata is lost, or cannot be opened just now.</summary>
public sealed class MetadataLossTests : IDisposable
{
    private static readonly TopicPolicy s_policy = TopicPolicy.Default with { Retention = RetentionPolicy.None };

    private readonly TemporaryFolder _folder = new();

    private string Metadata => _folder["data/metadata.db"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_the_disk_or_the_system_refuses_is_no_damage_and_nothing_is_put_aside()
    {
        MakeTopic();
        // As a disk that is full, or a process that has too many files open: SQLite can make nothing beside its file.
        Directory.CreateDirectory($"{Metadata}-wal");
        var refusal = Assert.Throws<CometException>(Open);
        Assert.Contains("Nothing was changed", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.EnumerateFiles(_folder["data"]), static file => file.Contains("damaged", StringComparison.Ordinal));
        Directory.Delete($"{Metadata}-wal");
        using var storage = Open();
        Assert.Equal(s_policy, Assert.Single(storage.Topics).Policy);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_empty_file_is_as_a_missing_one(bool isThere)
    {
        MakeTopic();
        File.Delete(Metadata);
        if (isThere)
            File.Create(Metadata).Dispose();
        using var storage = Open();
        Assert.Equal("t", Assert.Single(storage.Topics).Name);
    }

    [Fact]
    public void What_a_missing_file_has_left_beside_it_is_no_part_of_the_next_one()
    {
        byte[] written;
        using (var storage = Open())
        {
            Save(storage);
            storage.Save(new("gone", 1, s_policy));
            using var saved = new ManualResetEventSlim();
            storage.WhenSaved(_ => saved.Set());
            saved.Wait(TestContext.Current.CancellationToken);
            using var file = new FileStream($"{Metadata}-wal", FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            written = new byte[file.Length];
            file.ReadExactly(written);
        }
        File.Delete(Metadata);
        File.WriteAllBytes($"{Metadata}-wal", written);
        using var again = Open();
        Assert.Equal(("t", TopicPolicy.Default), (Assert.Single(again.Topics).Name, again.Topics[0].Policy));
        Assert.Single(Directory.EnumerateFiles(_folder["data"], "metadata.db.damaged-*-wal"));
    }

    [Fact]
    public void A_directory_in_its_place_is_refused()
    {
        MakeTopic();
        File.Move(Metadata, _folder["kept"]);
        Directory.CreateDirectory(Metadata);
        Assert.Contains("is a directory", Assert.Throws<CometException>(Open).Message, StringComparison.Ordinal);
        Directory.Delete(Metadata);
        File.Move(_folder["kept"], Metadata);
        Open().Dispose();
    }

    [Fact]
    public void It_is_told_when_the_metadata_knows_of_messages_that_the_log_lacks()
    {
        var log = new Told();
        using (var storage = Open(log))
        {
            storage.Save(new("t", 1, s_policy));
            storage.Open("t", 0, static _ => { }).Store!.Save(new PartitionChanges { CutTo = 7 }, static _ => { });
        }
        Assert.Contains("Partition 0 of topic t ends before message 7", Assert.Single(log.Errors), StringComparison.Ordinal);
    }

    private void MakeTopic()
    {
        using var storage = Open();
        Save(storage);
    }

    private static void Save(LocalStorage storage)
    {
        storage.Save(new("t", 1, s_policy));
        using var log = (LocalPartitionLog)storage.Open("t", 0, static _ => { }).Log;
        var batch = Broker.Batches.Make("p", 0, 1);
        Assert.True(log.TryAppend(storage.Fence, batch, Wire.RecordBatch.Open(batch), 1));
    }

    private LocalStorage Open() => Open(NullLogger.Instance);

    private LocalStorage Open(ILogger logger) => new(
        new LocalStorageOptions { Directory = _folder["data"] }.Validated(), 1 << 20, TimeProvider.System, logger);

    private sealed class Told : ILogger
    {
        public List<string> Errors { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Error)
                Errors.Add(formatter(state, exception));
        }
    }
}
