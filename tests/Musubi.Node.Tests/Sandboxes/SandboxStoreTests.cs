using System.Text.Json;
using Musubi.Node.Attachments;
using Musubi.Node.Sandboxes;
using Musubi.Node.Tests.Support;

namespace Musubi.Node.Tests.Sandboxes;

public sealed class SandboxStoreTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();

    private SandboxStore Store => new(_files.File("pods"));

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Record_SavedAndFound_IsTheSame()
    {
        SandboxRecord record = Sample.Sandbox with { Launcher = new LauncherIdentity(7, 8) };

        Store.Save(record);

        SandboxRecord found = Store.Find(record.Uid)!;
        Assert.Equal(JsonSerializer.Serialize(record, SandboxJson.Default.SandboxRecord), JsonSerializer.Serialize(found, SandboxJson.Default.SandboxRecord));
        Assert.Equal(["10.244.1.5", "fd10::5"], PodAttacher.AddressesOf(found));
        Assert.Equal(record.Uid, Assert.Single(Store.List()).Uid);
    }

    [Fact]
    public void Record_ReadFromOlderFile_HasNoNulls()
    {
        _files.Write("pods/u/sandbox.json", """{"namespace":"n","name":"p","uid":"u","netns":"/n","cgroup":"c"}""");

        Assert.Empty(Store.Find("u")!.Attachments);
    }

    [Fact]
    public void Nothing_Saved_NothingFound()
    {
        Assert.Null(Store.Find("u"));
        Assert.Empty(Store.List());
        Store.Remove("u");
    }

    [Fact]
    public void Remove_TakesTheWholeDirectory_AndMayBeRepeated()
    {
        Store.Save(Sample.Sandbox);
        File.WriteAllText(Store.DirectoryOf(Sample.Sandbox.Uid).Log, "x");

        Store.Remove(Sample.Sandbox.Uid);
        Store.Remove(Sample.Sandbox.Uid);

        Assert.Empty(Store.List());
    }

    [Fact]
    public void Files_AreRootsAlone()
    {
        Store.Save(Sample.Sandbox);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_files.File($"pods/{Sample.Sandbox.Uid}/sandbox.json")));
    }
}
