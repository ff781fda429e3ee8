namespace Comet.Wire;

/// <summary>What a receiver takes. Checked before memory is.</summary>
/// <param name="MaxFrameLength">The longest frame, in bytes, without its length field.</param>
/// <param name="MaxHeaderLength">The longest header in a frame, in bytes.</param>
internal readonly record struct FrameLimits(int MaxFrameLength, int MaxHeaderLength)
{
    /// <summary>The longest message by default: 1 MiB.</summary>
    public const int DefaultMaxMessageLength = 1024 * 1024;

    /// <summary>The longest message that can be configured: 64 MiB.</summary>
    public const int HardMaxMessageLength = 64 * 1024 * 1024;

    /// <summary>The longest header: 64 KiB.</summary>
    public const int DefaultMaxHeaderLength = 64 * 1024;

    /// <summary>The longest header of an answer, which may be a list: 1 MiB.</summary>
    public const int MaxAnswerHeaderLength = 1024 * 1024;

    /// <summary>Room beside a message of the greatest length: frame and batch headers, key, and the message's own headers.</summary>
    public const int FrameOverhead = 192 * 1024;

    /// <summary>What is taken from a peer before the handshake is done: 16 KiB.</summary>
    public static FrameLimits BeforeHandshake { get; } = new(16 * 1024, 16 * 1024);

    public static FrameLimits For(int maxMessageLength) => new(maxMessageLength + FrameOverhead, DefaultMaxHeaderLength);
}
