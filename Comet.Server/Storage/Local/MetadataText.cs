using System.Text.Json;
using System.Text.Json.Serialization;
using Comet.Server.Broker;

namespace Comet.Server.Storage.Local;

/// <summary>Policies and settings as JSON: a later version adds fields, and an earlier file has the defaults for them.</summary>
internal static class MetadataText
{
    public static string Write(TopicPolicy policy) => JsonSerializer.Serialize(policy, MetadataJson.Default.TopicPolicy);

    public static string Write(SubscriptionSettings settings) =>
        JsonSerializer.Serialize(settings, MetadataJson.Default.SubscriptionSettings);

    public static TopicPolicy ReadPolicy(string text) =>
        JsonSerializer.Deserialize(text, MetadataJson.Default.TopicPolicy) ?? TopicPolicy.Default;

    public static SubscriptionSettings ReadSettings(string text) =>
        JsonSerializer.Deserialize(text, MetadataJson.Default.SubscriptionSettings) ?? new();
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TopicPolicy))]
[JsonSerializable(typeof(SubscriptionSettings))]
internal sealed partial class MetadataJson : JsonSerializerContext;
