using System.ComponentModel;
using System.Diagnostics;

namespace Comet.Journals.Tests.Support;

/// <summary>Programs of the system.</summary>
internal static class Tool
{
    /// <summary>Whether a program is there, ran and said that all went well.</summary>
    public static bool Run(string program, params string[] args)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, args)
            {
                RedirectStandardError = true, RedirectStandardOutput = true
            })!;
            process.OutputDataReceived += static (_, _) => { };
            process.ErrorDataReceived += static (_, _) => { };
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }
}
