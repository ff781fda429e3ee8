using System.Runtime.CompilerServices;

namespace Comet.Wire;

/// <summary>Fields that the codecs' few primitives express: 32-bit integers, enums, required texts, lists of texts.</summary>
internal static class HeaderFields
{
    public static int ReadInt32<TReader>(ref TReader reader, string name)
        where TReader : IHeaderReader, allows ref struct
    {
        var value = reader.ReadInteger(name);
        return value is >= int.MinValue and <= int.MaxValue ? (int)value : throw OutOfRange(name, value);
    }

    public static TEnum ReadEnum<TEnum, TReader>(ref TReader reader, string name)
        where TEnum : struct, Enum
        where TReader : IHeaderReader, allows ref struct
    {
        var number = ReadInt32(ref reader, name);
        var value = Unsafe.BitCast<int, TEnum>(number);
        return Enum.IsDefined(value) ? value : throw OutOfRange(name, number);
    }

    public static string ReadRequiredString<TReader>(ref TReader reader, string name)
        where TReader : IHeaderReader, allows ref struct =>
        reader.ReadString(name) ?? throw new CometException(ErrorCode.ProtocolViolation, $"The header field '{name}' is missing.");

    public static void WriteStrings<TWriter>(ref TWriter writer, string name, string[]? values)
        where TWriter : IHeaderWriter, allows ref struct
    {
        writer.BeginList(name, values?.Length ?? 0);
        foreach (var value in values ?? [])
        {
            writer.BeginRecord(1);
            writer.WriteString("value", value);
            writer.EndRecord();
        }
        writer.EndList();
    }

    public static string[] ReadStrings<TReader>(ref TReader reader, string name)
        where TReader : IHeaderReader, allows ref struct
    {
        var count = reader.BeginList(name);
        var values = new List<string>();
        for (var i = 0; i < count; i++)
        {
            reader.BeginRecord();
            values.Add(ReadRequiredString(ref reader, "value"));
            reader.EndRecord();
        }
        reader.EndList();
        return [.. values];
    }

    private static CometException OutOfRange(string name, long value) =>
        new(ErrorCode.ProtocolViolation, $"The header field '{name}' has the value {value}, which is out of its range.");
}
