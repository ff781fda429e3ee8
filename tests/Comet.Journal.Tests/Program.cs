using Comet.Journals.Tests.Processes;
using Xunit.Runner.InProc.SystemConsole;

namespace Comet.Journals.Tests;

/// <summary>Runs the tests, or, as <c>child ROLE DIRECTORY ...</c>, is one of the processes that they start.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args is not ["child", var role, var directory, ..])
            return await ConsoleRunner.Run(args);
        using var watch = OrphanWatch.Begin();
        return await ChildRoles.RunAsync(role, directory, args[3..]);
    }
}
