namespace Comet.Client.Producing;

/// <summary>The options of a producer that do not depend on what it sends.</summary>
internal sealed record ProducerSettings(
    string Topic,
    string ProducerName,
    ProducerAccessMode AccessMode,
    Durability Durability,
    CompressionType Compression,
    int MaxBatchBytes,
    int MaxBatchMessages,
    TimeSpan Linger,
    int MaxPendingMessages,
    long MaxPendingBytes,
    TimeSpan SendTimeout)
{
    public static ProducerSettings From<T>(string topic, ProducerOptions<T> options, Random? randomness = null) => new(
        topic, options.ProducerName ?? RandomName.Create("producer", randomness), options.AccessMode, options.Durability,
        options.Compression, options.MaxBatchBytes, options.MaxBatchMessages, options.Linger, options.MaxPendingMessages,
        options.MaxPendingBytes, options.SendTimeout);
}
