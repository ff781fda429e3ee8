namespace Comet.Journals.FileSystem;

/// <summary>The file system of the machine this runs on.</summary>
internal static class FileSystems
{
    public static IFileSystem Default { get; } = OperatingSystem.IsLinux() ? new LinuxFileSystem() : new PortableFileSystem();
}
