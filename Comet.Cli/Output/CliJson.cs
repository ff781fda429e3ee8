using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Comet.Cli.Bench;
using Comet.Cli.Commands;
using Comet.Client;
using Comet.Journals;
using Comet.Cli.Journals;

namespace Comet.Cli.Output;

/// <summary>Everything that the program writes as JSON: camelCase, one object per line.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorLine))]
[JsonSerializable(typeof(NoteLine))]
[JsonSerializable(typeof(ProduceReport))]
[JsonSerializable(typeof(MessageLine))]
[JsonSerializable(typeof(ListeningLine))]
[JsonSerializable(typeof(TopicSummary))]
[JsonSerializable(typeof(TopicDescription))]
[JsonSerializable(typeof(TopicChange))]
[JsonSerializable(typeof(SubscriptionSummary))]
[JsonSerializable(typeof(SubscriptionDescription))]
[JsonSerializable(typeof(SubscriptionChange))]
[JsonSerializable(typeof(ScheduledLine))]
[JsonSerializable(typeof(ScheduleReport))]
[JsonSerializable(typeof(DeadLetterLine))]
[JsonSerializable(typeof(RedriveReport))]
[JsonSerializable(typeof(SubscriptionExplanation))]
[JsonSerializable(typeof(DoctorCheck))]
[JsonSerializable(typeof(BenchResult))]
[JsonSerializable(typeof(AppendReport))]
[JsonSerializable(typeof(RecordLine))]
[JsonSerializable(typeof(JournalStatLine))]
[JsonSerializable(typeof(JournalDamage))]
[JsonSerializable(typeof(VerifyReport))]
[JsonSerializable(typeof(RepairReport))]
[JsonSerializable(typeof(CompressReport))]
[JsonSerializable(typeof(JournalBenchResult))]
[JsonSerializable(typeof(BackupReport))]
[JsonSerializable(typeof(StoredMessageLine))]
internal sealed partial class CliJson : JsonSerializerContext
{
    public static string Line<T>(T value, JsonTypeInfo<T> type) =>
        JsonSerializer.Serialize(value, (JsonTypeInfo<T>)Plain.Options.GetTypeInfo(type.Type));

    /// <summary>Payloads are for people to read: only what JSON itself needs is escaped.</summary>
    private static class Plain
    {
        public static readonly JsonSerializerOptions Options = new(Default.Options)
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
        };
    }
}
