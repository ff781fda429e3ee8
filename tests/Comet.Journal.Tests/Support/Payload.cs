namespace Comet.Journals.Tests.Support;

/// <summary>Records that say their own number, and reading them back.</summary>
internal static class Payload
{
    public static byte[] Of(int number, int length = 100)
    {
        var bytes = new byte[Math.Max(length, sizeof(int))];
        new Random(number).NextBytes(bytes);
        BitConverter.TryWriteBytes(bytes, number);
        return bytes;
    }

    /// <summary>The numbers of all records, each checked to be whole.</summary>
    public static List<int> ReadAll(Journal journal)
    {
        using var reader = journal.CreateReader();
        var numbers = new List<int>();
        while (reader.TryRead(out var record))
        {
            var number = BitConverter.ToInt32(record.Payload);
            Assert.True(record.Payload.SequenceEqual(Of(number, record.Payload.Length)));
            numbers.Add(number);
        }

        return numbers;
    }
}
