namespace Comet.Conventions.Tests.Snippets;

internal enum SnippetKind
{
    /// <summary>A whole program or a whole file: it must compile as it stands.</summary>
    Program,

    /// <summary>A program that is also executed.</summary>
    Run,

    /// <summary>Statements in the middle of a program that has a client, a producer and a consumer already.</summary>
    Fragment
}

/// <summary>A block of C# in a document. <paramref name="Line"/> is the line of its first statement in the document.</summary>
internal sealed record Snippet(string File, int Line, SnippetKind Kind, string Code)
{
    public Finding Breach(string sentence, int? line = null) => new("snippet", File, line ?? Line, sentence);
}
