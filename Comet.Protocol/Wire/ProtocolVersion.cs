namespace Comet.Wire;

/// <summary>The versions of the protocol that this assembly speaks.</summary>
internal static class ProtocolVersion
{
    public const int Min = 1;
    public const int Max = 1;
}
