using System.Net.Sockets;

namespace Comet.Cli;

/// <summary>The server cannot open its addresses; the message says why and what to do.</summary>
internal sealed class ListenException(string message, Exception cause) : Exception(message, cause)
{
    /// <summary>Why the addresses cannot be opened; null when something else failed.</summary>
    public static string? Explain(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is SocketException socket)
                return Explain(socket);
        }
        return null;
    }

    private static string Explain(SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.AddressAlreadyInUse => "the port is in use. Stop the program that has it, or choose another port; 0 takes a free one.",
        SocketError.AddressNotAvailable => "this machine has no such address. Choose one of its own, 127.0.0.1, or * for all interfaces.",
        SocketError.AccessDenied => "this user may not take the port. Choose one above 1023.",
        _ => $"{exception.Message}. Choose another address.",
    };
}
