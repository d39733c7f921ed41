using Musubi.Cli.Platform;
using Musubi.Node;

namespace Musubi.Cli.Tests.Platform;

public sealed class PlatformSettingsTests : IDisposable
{
    private readonly string _state = Directory.CreateTempSubdirectory("musubi-cli-").FullName;
    private readonly string _cluster = $"mclt{Guid.NewGuid():N}"[..12];

    private PlatformSettings Settings => new() { Cluster = _cluster, Port = 7443, PodMtuBytes = 1400, Nodes = 3, StateDirectory = _state };

    public void Dispose()
    {
        Directory.Delete(_state, recursive: true);
        if (Directory.Exists(Settings.RuntimeDirectory))
        {
            Directory.Delete(Settings.RuntimeDirectory, recursive: true);
        }
    }

    [Fact]
    public void Settings_SavedAndLoaded_AreTheSame()
    {
        Settings.Save();

        Assert.Equal(Settings, PlatformSettings.Load(_state));
    }

    [Fact]
    public void Save_SecretsDirectories_AreRootsAlone()
    {
        Settings.Save();

        const UnixFileMode rootOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.Equal(rootOnly, File.GetUnixFileMode(Settings.ApiServerDirectory));
        Assert.Equal(rootOnly, File.GetUnixFileMode(Settings.LogsDirectory));
        Assert.True(File.GetUnixFileMode(Settings.ImagesDirectory).HasFlag(UnixFileMode.OtherExecute));
        Assert.True(Directory.Exists(Settings.RuntimeDirectory));
    }

    [Fact]
    public void Find_AbsentMembers_GetDefaults()
    {
        File.WriteAllText(Path.Combine(_state, "platform.json"), "{}");

        Assert.Equal(new PlatformSettings { StateDirectory = _state }, PlatformSettings.Find(_state));
    }

    [Fact]
    public void Load_NothingThere_SaysHowToStart()
    {
        Assert.Null(PlatformSettings.Find(_state));
        Assert.Equal($"there is no platform in {_state}: start one with \"musubi up\"", Assert.Throws<UserException>(() => PlatformSettings.Load(_state)).Message);
    }

    [Fact]
    public void NodeOptions_AreCountedFromOne()
    {
        Assert.Equal(["node1", "node2", "node3"], Settings.NodeNames);
        NodeOptions second = Settings.NodeOptionsFor("node2");

        Assert.Equal((2, 1400, _cluster, _state), (second.Index, second.PodMtuBytes, second.Cluster, second.StateDirectory));
        Assert.Equal("172.31.0.3/24", second.Addresses[0].ToString());
    }
}
