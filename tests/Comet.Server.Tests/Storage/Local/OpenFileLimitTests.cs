using Comet.Server.Storage.Local;
using Microsoft.Extensions.Logging.Abstractions;

namespace Comet.Server.Tests.Storage.Local;

/// <summary>How many partitions have their files open where the system allows few files.</summary>
public sealed class OpenFileLimitTests
{
    [Theory]
    [InlineData("Max open files            256                  4096                 files     ", 256L)]
    [InlineData("Max open files            unlimited            unlimited            files     ", null)]
    [InlineData("Max processes             7                    7                    processes ", null)]
    public void The_limit_in_force_is_read(string line, long? expected) =>
        Assert.Equal(expected, OpenFileLimit.Parse(["Limit                     Soft Limit           Hard Limit           Units", line]));

    [Theory]
    [InlineData(null, 1024)]
    [InlineData(1_048_576L, 1024)]
    [InlineData(4096L, 1024)]
    [InlineData(1024L, 416)]
    [InlineData(256L, 32)]
    [InlineData(20L, 1)]
    public void Partitions_get_half_of_it_at_most(long? limit, int expected) =>
        Assert.Equal(expected, OpenFileLimit.Bound(1024, limit, NullLogger.Instance));
}
