using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Comet;

/// <summary>The address of a node: <c>comet://host:port</c> (plain TCP) or <c>comets://host:port</c> (TLS 1.3).</summary>
/// <param name="Host">A host name or an IP literal, without brackets.</param>
/// <param name="Port">A TCP port.</param>
/// <param name="UseTls">Whether the connection is encrypted.</param>
public sealed record CometEndpoint(string Host, int Port, bool UseTls = false) : IParsable<CometEndpoint>
{
    /// <summary>The port of an address that names none: 7400.</summary>
    public const int DefaultPort = 7400;

    /// <inheritdoc/>
    public override string ToString()
    {
        var host = Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]" : Host;
        return string.Create(CultureInfo.InvariantCulture, $"{(UseTls ? "comets" : "comet")}://{host}:{Port}");
    }

    /// <summary>Parses <c>comet://host[:port]</c> or <c>comets://host[:port]</c>; IPv6 literals stand in brackets.</summary>
    /// <exception cref="ArgumentNullException">There is no text.</exception>
    /// <exception cref="FormatException">The text has another form; the message says what to write.</exception>
    public static CometEndpoint Parse(string s, IFormatProvider? provider = null)
    {
        ArgumentNullException.ThrowIfNull(s);
        return TryParse(s, provider, out var endpoint)
            ? endpoint
            : throw new FormatException($"'{s}' is not the address of a node: write comet://host:port, or comets://host:port for TLS.");
    }

    /// <inheritdoc cref="Parse"/>
    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out CometEndpoint result)
    {
        result = null;
        if (!Uri.TryCreate(s, UriKind.Absolute, out var uri)
            || uri.Scheme is not ("comet" or "comets")
            || uri.Host.Length == 0
            || uri.UserInfo.Length > 0
            || uri.PathAndQuery is not ("/" or "")
            || uri.Fragment.Length > 0)
            return false;
        result = new CometEndpoint(uri.DnsSafeHost, uri.Port < 0 ? DefaultPort : uri.Port, uri.Scheme == "comets");
        return true;
    }
}
