namespace Comet.Conventions.Tests.Architecture;

/// <summary>Whom one project may know, and who may see its internals. A name that ends in '*' stands for all that begin so.</summary>
internal sealed record Arrows(string Project, string[] Projects, string[] Packages, string[] Friends);

/// <summary>A package whose namespaces may be used in some folders only, so that a provider can be replaced or taken out.</summary>
internal sealed record Provider(string Package, string[] Namespaces, string[] Folders);

/// <summary>The arrows of decision 0001. A new edge is a decision: it is written there first, then here.</summary>
internal static class ArrowTable
{
    public static readonly Arrows[] Projects =
    [
        new("Comet.Protocol", [], ["MessagePack", "K4os.Compression.LZ4", "Snappier"],
            ["Comet.Client", "Comet.Server", "Comet.Testing", "Comet.Protocol.Tests", "Comet.Client.Tests", "Comet.Server.Tests",
                "Comet.Simulation.Tests", "Comet.Benchmarks"]),
        new("Comet.Journal", [], ["K4os.Compression.LZ4", "K4os.Compression.LZ4.Streams", "Snappier"], ["Comet.Journal.Tests"]),
        new("Comet.Client", ["Comet.Protocol"], ["Polly.Core", "Microsoft.Extensions.*"],
            ["Comet.Client.Tests", "Comet.Testing"]),
        new("Comet.Client.Rx", ["Comet.Client"], ["System.Reactive", "System.Interactive.Async"], ["Comet.Client.Rx.Tests"]),
        new("Comet.Server", ["Comet.Protocol", "Comet.Journal"],
            ["Microsoft.AspNetCore.App", "Microsoft.Data.Sqlite", "Npgsql", "dotnet-etcd", "Google.Protobuf", "Grpc.Net.Client"],
            ["Comet.Server.Tests", "Comet.Testing", "Comet.Benchmarks"]),
        new("Comet.Testing", ["Comet.Client", "Comet.Server"], [], ["Comet.Testing.Tests", "Comet.Simulation.Tests"]),
        new("Comet.Cli", ["Comet.Client", "Comet.Server", "Comet.Journal"], ["System.CommandLine", "Spectre.Console"], ["Comet.Cli.Tests"])
    ];

    /// <summary>For every project under tests/ and samples/: they may know all of Comet, and nobody may know them.</summary>
    public static readonly Arrows Tests = new("tests/", ["Comet.*", "Quickstart"],
        [
            "CsCheck", "Microsoft.Extensions.TimeProvider.Testing", "NetArchTest.Rules", "PublicApiGenerator",
            "Microsoft.CodeAnalysis.CSharp", "BenchmarkDotNet", "Microsoft.FASTER.Core", "Microsoft.AspNetCore.App", "Npgsql",
            "System.Reactive"
        ], []);

    public static readonly Arrows Samples = new("samples/",
        ["Comet.Client", "Comet.Client.Rx", "Comet.Server", "Comet.Journal", "Comet.Testing"],
        ["Microsoft.AspNetCore.App", "Microsoft.Extensions.*", "Spectre.Console"], []);

    /// <summary>What the build files at the root add to every project of a kind: analyzers and the test runner.</summary>
    public static readonly Arrows RootBuildFile = new("Directory.Build", [],
        [
            "Microsoft.CodeAnalysis.BannedApiAnalyzers", "Microsoft.VisualStudio.Threading.Analyzers", "Meziantou.Analyzer",
            "Microsoft.NET.Test.Sdk", "xunit.v3", "xunit.runner.visualstudio"
        ], []);

    public static readonly Provider[] Providers =
    [
        new("Npgsql", ["Npgsql", "NpgsqlTypes"], ["Comet.Server/Storage/Postgres/"]),
        new("Microsoft.Data.Sqlite", ["Microsoft.Data.Sqlite", "SQLitePCL"],
            ["Comet.Server/Metadata/Sqlite/", "Comet.Server/Storage/Local/"]),
        new("dotnet-etcd", ["dotnet_etcd", "Etcdserverpb", "Mvccpb", "Authpb", "V3Lockpb", "V3Electionpb", "Grpc", "Google.Protobuf"],
            ["Comet.Server/Metadata/Etcd/"]),
        new("MessagePack", ["MessagePack"], ["Comet.Protocol/Wire/Headers/", "Comet.Client/Serialization/"]),
        new("Polly.Core", ["Polly"], ["Comet.Client/"])
    ];

    public static Arrows? For(ProjectFile project) =>
        project.Path.StartsWith("Directory.Build.", StringComparison.Ordinal) ? RootBuildFile
        : project.Path.StartsWith("tests/", StringComparison.Ordinal) ? Tests
        : project.Path.StartsWith("samples/", StringComparison.Ordinal) ? Samples
        : Projects.FirstOrDefault(row => row.Project == project.Name);

    public static bool Allows(this string[] allowed, string name) => allowed.Any(each => each is [.. var start, '*']
        ? name.StartsWith(start, StringComparison.Ordinal)
        : string.Equals(each, name, StringComparison.OrdinalIgnoreCase));
}
