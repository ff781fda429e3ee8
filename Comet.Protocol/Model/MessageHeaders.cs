using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Comet;

/// <summary>The headers of a message: names with values, in the order they were added; a name may occur more than once.</summary>
/// <remarks>Values are bytes; the string members read and write UTF-8. Not thread-safe while it is being filled.</remarks>
public sealed class MessageHeaders : IReadOnlyCollection<KeyValuePair<string, ReadOnlyMemory<byte>>>
{
    private readonly List<KeyValuePair<string, ReadOnlyMemory<byte>>> _entries;

    /// <summary>Creates headers with nothing in them.</summary>
    public MessageHeaders() => _entries = [];

    internal MessageHeaders(int capacity) => _entries = new(capacity);

    /// <summary>Headers with nothing in them, shared by all messages that have none. Do not add to it.</summary>
    internal static MessageHeaders Empty { get; } = [];

    /// <inheritdoc/>
    public int Count => _entries.Count;

    /// <summary>The first value of that name as text, or null when there is none.</summary>
    public string? this[string name] => TryGetValue(name, out var value) ? Encoding.UTF8.GetString(value.Span) : null;

    /// <summary>Adds a header with a text value.</summary>
    public void Add(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Add(name, Encoding.UTF8.GetBytes(value));
    }

    /// <summary>Adds a header. The bytes are not copied: leave them alone until the message is sent.</summary>
    public void Add(string name, ReadOnlyMemory<byte> value)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (ReferenceEquals(this, Empty))
            throw new InvalidOperationException("These headers belong to a received message and cannot be changed.");
        _entries.Add(new(name, value));
    }

    /// <summary>Finds the first value of that name. Names are compared by ordinal.</summary>
    public bool TryGetValue([NotNullWhen(true)] string? name, out ReadOnlyMemory<byte> value)
    {
        foreach (var entry in _entries)
        {
            if (string.Equals(entry.Key, name, StringComparison.Ordinal))
            {
                value = entry.Value;
                return true;
            }
        }
        value = default;
        return false;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, ReadOnlyMemory<byte>>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
