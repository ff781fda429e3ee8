using System.Text.Json.Serialization.Metadata;
using Comet.Journals.Serialization;

namespace Comet.Journals;

/// <summary>The serializers that come with the journal.</summary>
public static class JournalSerializers
{
    /// <summary>Text as UTF-8. Text with half a surrogate pair is refused, and so are bytes that are no UTF-8.</summary>
    public static IJournalSerializer<string> Utf8 { get; } = new Utf8Serializer();

    /// <summary>Bytes as they are.</summary>
    public static IJournalSerializer<byte[]> Bytes { get; } = new BytesSerializer();

    /// <summary>JSON in UTF-8, as System.Text.Json writes it, without reflection: <c>JournalSerializers.Json(MyContext.Default.Order)</c>
    /// with a
    /// source-generated context.</summary>
    /// <param name="type">How to write and read the values.</param>
    /// <typeparam name="T">The values.</typeparam>
    public static IJournalSerializer<T> Json<T>(JsonTypeInfo<T> type)
    {
        ArgumentNullException.ThrowIfNull(type);
        return new JsonTypeSerializer<T>(type);
    }
}
