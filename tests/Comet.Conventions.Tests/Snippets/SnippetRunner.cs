using System.Reflection;
using System.Runtime.Loader;

namespace Comet.Conventions.Tests.Snippets;

/// <summary>Executes a compiled snippet in this process, with its own console.</summary>
internal static class SnippetRunner
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Runs to the end or to <paramref name="limit"/>; null when all went well, otherwise what did not.</summary>
    public static async Task<Finding?> RunAsync(Snippet snippet, TimeSpan limit, TextWriter output)
    {
        using var image = new MemoryStream();
        var emitted = SnippetCompiler.Compile(snippet).Emit(image);
        if (!emitted.Success)
            return snippet.Breach("Does not compile, so it was not run.");

        image.Position = 0;
        var context = new AssemblyLoadContext(snippet.File, isCollectible: true);
        var entry = context.LoadFromStream(image).EntryPoint!;
        var console = Console.Out;
        Console.SetOut(TextWriter.Synchronized(output));
        try
        {
            // A thread of its own: the entry point blocks, and one that never ends must not keep this process alive.
            var end = new TaskCompletionSource<Finding?>(TaskCreationOptions.RunContinuationsAsynchronously);
            new Thread(() => end.SetResult(Invoke(entry, snippet))) { IsBackground = true }.Start();
            return await end.Task.WaitAsync(limit, TimeProvider.System);
        }
        catch (TimeoutException)
        {
            return snippet.Breach($"Did not finish within {limit.TotalSeconds:0.#} s.");
        }
        finally
        {
            Console.SetOut(console);
            context.Unload();
        }
    }

    private static Finding? Invoke(MethodInfo entry, Snippet snippet)
    {
        try
        {
            object?[] arguments = entry.GetParameters().Length == 0 ? [] : [Array.Empty<string>()];
            return entry.Invoke(null, arguments) is int code and not 0 ? snippet.Breach($"Ended with exit code {code}.") : null;
        }
        catch (TargetInvocationException e)
        {
            return snippet.Breach($"Threw {e.InnerException}");
        }
    }
}
