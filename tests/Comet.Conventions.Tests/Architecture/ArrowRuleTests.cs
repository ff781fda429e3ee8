using System.Xml.Linq;
using Comet.Conventions.Tests.Tidy;

namespace Comet.Conventions.Tests.Architecture;

/// <summary>A planted edge of each kind is seen; the edges that the design has are not.</summary>
public sealed class ArrowRuleTests
{
    [Theory]
    [InlineData("Comet.Server/Comet.Server.csproj", """<ProjectReference Include="..\Comet.Client\Comet.Client.csproj" />""", 1)]
    [InlineData("Comet.Server/Comet.Server.csproj", """<ProjectReference Include="../Comet.Journal/Comet.Journal.csproj" />""", 0)]
    [InlineData("Comet.Journal/Comet.Journal.csproj", """<ProjectReference Include="..\Comet.Protocol\Comet.Protocol.csproj" />""", 1)]
    [InlineData("Comet.Client/Comet.Client.csproj", """<PackageReference Include="Npgsql" />""", 1)]
    [InlineData("Comet.Client/Comet.Client.csproj", """<PackageReference Include="Microsoft.Extensions.Options" />""", 0)]
    [InlineData("Comet.Client/Comet.Client.csproj", """<PackageReference Include="Polly" />""", 1)]
    [InlineData("Comet.Client/Comet.Client.csproj", """<FrameworkReference Include="Microsoft.AspNetCore.App" />""", 1)]
    [InlineData("Comet.Client/Comet.Client.csproj", """<InternalsVisibleTo Include="Comet.Client.Rx" />""", 1)]
    [InlineData("Comet.Protocol/Comet.Protocol.csproj", """<InternalsVisibleTo Include="Comet.Client;Comet.Cli" />""", 1)]
    [InlineData("Comet.Client/Comet.Client.csproj", """<Reference Include="Other" />""", 1)]
    [InlineData("Comet.Client/Comet.Client.csproj", """<Compile Include="..\Comet.Server\X.cs" />""", 1)]
    [InlineData("Comet.Journal/Comet.Journal.csproj", """<Compile Include="..\Shared\X.cs" />""", 0)]
    [InlineData("tests/Comet.Client.Tests/Comet.Client.Tests.csproj", "<Compile Include=\"..\\..\\Comet.Server\\X.cs\" />", 1)]
    [InlineData("tests/Comet.Client.Tests/Comet.Client.Tests.csproj", "<Compile Include=\"..\\Comet.Server.Tests\\X.cs\" />", 0)]
    [InlineData("Comet.Streams/Comet.Streams.csproj", "", 1)]
    [InlineData("tests/Comet.Client.Tests/Comet.Client.Tests.csproj", """<PackageReference Include="Moq" />""", 1)]
    [InlineData("tests/Comet.Client.Tests/Comet.Client.Tests.csproj", """<InternalsVisibleTo Include="Comet.Server.Tests" />""", 1)]
    [InlineData("samples/Quickstart/Quickstart.csproj", """<ProjectReference Include="..\..\Comet.Protocol\Comet.Protocol.csproj" />""", 1)]
    [InlineData("Directory.Build.props", """<PackageReference Include="Serilog" />""", 1)]
    public void EdgesAreCompared(string path, string item, int findings)
    {
        var project = new ProjectFile(path, XDocument.Parse($"<Project><ItemGroup>{item}</ItemGroup></Project>"));
        Assert.Equal(findings, ArrowRules.Edges(project).Count());
    }

    [Theory]
    [InlineData("Comet.Server/Broker/X.cs", "using Npgsql;", 1)]
    [InlineData("Comet.Server/Broker/X.cs", "class C { Npgsql.NpgsqlConnection c; }", 1)]
    [InlineData("Comet.Server/Broker/X.cs", "using Grpc.Net.Client;", 1)]
    [InlineData("Comet.Server/Storage/Postgres/X.cs", "using Npgsql;", 0)]
    [InlineData("Comet.Server/Storage/Postgres/X.cs", "using Microsoft.Data.Sqlite;", 1)]
    [InlineData("Comet.Server/Metadata/Etcd/X.cs", "using static Etcdserverpb.KV;", 0)]
    [InlineData("Comet.Server/Broker/X.cs", "class C { string Npgsql; }", 0)]
    [InlineData("tests/Comet.Server.Tests/X.cs", "using Npgsql;", 0)]
    [InlineData("Comet.Client/X.cs", "[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"x\")]", 1)]
    public void SourcesAreCompared(string path, string source, int findings) =>
        Assert.Equal(findings, ArrowRules.Source(new SourceFile(path, source)).Count());
}
