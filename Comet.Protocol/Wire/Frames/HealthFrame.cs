namespace Comet.Wire;

/// <summary>What of the broker does not work.</summary>
/// <remarks>Header: <c>offline_count | offline: list of (topic | partition | reason)</c>. The list has the first ones.</remarks>
internal readonly record struct HealthFrame(BrokerHealth Health) : IFrame<HealthFrame>
{
    public static FrameType Type => FrameType.Health;

    public void WriteTo<TWriter>(ref TWriter writer)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginRecord(2);
        writer.WriteInteger("offline_count", Health.OfflineCount);
        writer.BeginList("offline", Health.Offline.Count);
        foreach (var partition in Health.Offline)
        {
            writer.BeginRecord(3);
            writer.WriteString("topic", partition.Topic);
            writer.WriteInteger("partition", partition.Partition);
            writer.WriteString("reason", partition.Reason);
            writer.EndRecord();
        }
        writer.EndList();
        writer.EndRecord();
    }

    public static HealthFrame ReadFrom<TReader>(ref TReader reader)
        where TReader : IHeaderReader, allows ref struct
    {
        reader.BeginRecord();
        var offline = HeaderFields.ReadInt32(ref reader, "offline_count");
        var count = reader.BeginList("offline");
        var partitions = new List<OfflinePartition>();
        for (var i = 0; i < count; i++)
        {
            reader.BeginRecord();
            partitions.Add(new(
                HeaderFields.ReadRequiredString(ref reader, "topic"), HeaderFields.ReadInt32(ref reader, "partition"),
                HeaderFields.ReadRequiredString(ref reader, "reason")));
            reader.EndRecord();
        }
        reader.EndList();
        reader.EndRecord();
        return new(new BrokerHealth(offline, partitions));
    }
}
