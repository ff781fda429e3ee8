using System.Text;
using System.Text.Json.Serialization;
using CsCheck;

namespace Comet.Journals.Tests.Serialization;

public sealed record Order(string Id, decimal Amount);

[JsonSerializable(typeof(Order))]
public sealed partial class OrderContext : JsonSerializerContext;

public sealed class TypedTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void Text_bytes_and_objects_come_back_as_they_were() =>
        Gen.Select(Gen.String.Array[0, 20], Gen.Byte.Array[0, 50].Array[0, 20], Gen.Decimal.Array[0, 20]).Sample((texts, bytes, amounts) =>
        {
            texts = texts.Where(text => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)) == text).ToArray();
            AssertComesBack(JournalSerializers.Utf8, texts);
            AssertComesBack(JournalSerializers.Bytes, bytes);
            var orders = amounts.Select(each => new Order($"{each}", each)).ToArray();
            AssertComesBack(JournalSerializers.Json(OrderContext.Default.Order), orders);
        }, iter: 10);

    [Fact]
    public void What_cannot_be_written_is_refused_and_nothing_appended()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter(JournalSerializers.Utf8);
        Assert.ThrowsAny<ArgumentException>(() => writer.Append("\uD800"));
        Assert.Equal(0, writer.Append("good").Sequence);
    }

    [Fact]
    public async Task Observers_see_all_values_and_that_the_journal_was_closed()
    {
        using var directory = new TemporaryDirectory();
        var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter(JournalSerializers.Utf8);
        writer.Append("before");
        var (first, second) = (new Observer(2), new Observer(1));
        using var one = journal.AsObservable(JournalSerializers.Utf8).Subscribe(first);
        using var two = journal.AsObservable(JournalSerializers.Utf8, JournalStart.AtSequence(1)).Subscribe(second);
        writer.Append("after");
        await Task.WhenAll(first.Enough, second.Enough).WaitAsync(Patience);
        Assert.Equal(["before", "after"], first.Seen);
        Assert.Equal(["after"], second.Seen);
        two.Dispose();
        journal.Dispose();
        await first.Completed.WaitAsync(Patience);
        Assert.False(second.Completed.IsCompleted);
    }

    [Fact]
    public async Task What_cannot_be_read_ends_the_observable_with_the_error()
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter();
        writer.Append([0xFF]);
        var observer = new Observer(1);
        using var handle = journal.AsObservable(JournalSerializers.Utf8).Subscribe(observer);
        await Assert.ThrowsAnyAsync<ArgumentException>(() => observer.Completed.WaitAsync(Patience));
    }

    private static void AssertComesBack<T>(IJournalSerializer<T> serializer, T[] values)
    {
        using var directory = new TemporaryDirectory();
        using var journal = Journal.Open(directory.Path);
        using var writer = journal.CreateWriter(serializer);
        using var reader = journal.CreateReader(serializer);
        foreach (var value in values)
            writer.Append(value);
        foreach (var value in values)
        {
            Assert.True(reader.TryRead(out var entry));
            Assert.Equal(value, entry.Value);
        }

        Assert.False(reader.TryRead(out _));
    }

    private sealed class Observer(int enough) : IObserver<JournalEntry<string>>
    {
        private readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<string> Seen { get; } = [];

        public Task Enough => _enough.Task;

        public Task Completed => _completed.Task;

        public void OnNext(JournalEntry<string> value)
        {
            Seen.Add(value.Value);
            if (Seen.Count == enough)
                _enough.SetResult();
        }

        public void OnCompleted() => _completed.SetResult();

        public void OnError(Exception error) => _completed.SetException(error);
    }
}
