using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Comet.Client.Serialization;
using MessagePack;

namespace Comet.Client;

/// <summary>The serializers that come with the client.</summary>
public static class MessageSerializer
{
    /// <summary>The payload itself, not copied when it is received.</summary>
    public static IMessageSerializer<ReadOnlyMemory<byte>> Bytes { get; } = new MemorySerializer();

    /// <summary>The payload itself, as an array; copied when it is received.</summary>
    public static IMessageSerializer<byte[]> ByteArray { get; } = new ByteArraySerializer();

    /// <summary>Text as UTF-8. Bytes that are no UTF-8 are refused, not replaced.</summary>
    public static IMessageSerializer<string> Text { get; } = new StringSerializer();

    /// <summary>System.Text.Json with metadata from a source-generated context:
    /// <c>MessageSerializer.Json(MyContext.Default.Order)</c>.</summary>
    public static IMessageSerializer<T> Json<T>(JsonTypeInfo<T> typeInfo)
    {
        ArgumentNullException.ThrowIfNull(typeInfo);
        return new JsonSerializerOfT<T>(typeInfo);
    }

    /// <summary>System.Text.Json by reflection.</summary>
    /// <param name="options">Null: the web defaults.</param>
    [RequiresUnreferencedCode("Reflects over T; with trimming or AOT use the overload that takes a JsonTypeInfo.")]
    [RequiresDynamicCode("Reflects over T; with trimming or AOT use the overload that takes a JsonTypeInfo.")]
    public static IMessageSerializer<T> Json<T>(JsonSerializerOptions? options = null) =>
        new JsonSerializerOfT<T>((JsonTypeInfo<T>)(options ?? JsonSerializerOptions.Web).GetTypeInfo(typeof(T)));

    /// <summary>MessagePack (MessagePack-CSharp).</summary>
    /// <param name="options">Null: the standard resolver, with the limits for untrusted data.</param>
    public static IMessageSerializer<T> MessagePack<T>(MessagePackSerializerOptions? options = null) =>
        new MessagePackSerializerOfT<T>(options ?? MessagePackSerializerOptions.Standard.WithSecurity(MessagePackSecurity.UntrustedData));

    /// <summary>The serializer of a type that has an obvious one: <see cref="ReadOnlyMemory{T}"/> of bytes, byte[], string.</summary>
    /// <exception cref="InvalidOperationException">The type has none: one has to be given.</exception>
    internal static IMessageSerializer<T> DefaultFor<T>() =>
        Bytes as IMessageSerializer<T> ?? ByteArray as IMessageSerializer<T> ?? Text as IMessageSerializer<T>
        ?? throw new InvalidOperationException(
            $"{typeof(T).Name} has no serializer of its own: set Serializer in the options, or give a replay its serializer, for example "
                + $"MessageSerializer.Json(MyContext.Default.{typeof(T).Name}).");
}
