using System.Text.Json.Serialization;
using Comet.Client;

namespace RxPipelines;

/// <summary>What a sensor says.</summary>
internal sealed record Reading(string Sensor, int Number, double Celsius)
{
    public static IMessageSerializer<Reading> Serializer { get; } = MessageSerializer.Json(ReadingJson.Default.Reading);
}

[JsonSerializable(typeof(Reading))]
internal sealed partial class ReadingJson : JsonSerializerContext;
