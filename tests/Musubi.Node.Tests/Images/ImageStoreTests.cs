using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using Musubi.Node.Images;

namespace Musubi.Node.Tests.Images;

public sealed class ImageStoreTests : IDisposable
{
    private readonly TemporaryDirectory _files = new();
    private readonly ImageStore _store;

    public ImageStoreTests()
    {
        _store = new ImageStore(_files.File("images"), TimeProvider.System);
        _files.Write("guest/disk/disk.img", "12345");
        _files.Write("guest/boot/vmlinuz", "kernel");
    }

    public void Dispose() => _files.Dispose();

    private string Refused(string name, string source) => Assert.Throws<ImageException>(() => _store.Import(name, source)).Message;

    [Fact]
    public void Import_Directory_KeepsTheTree()
    {
        StoredImage image = _store.Import("musubi/guest:1", _files.File("guest"));

        Assert.Equal(("musubi/guest:1", 11), (image.Name, image.SizeBytes));
        Assert.Equal("kernel", File.ReadAllText(ImageStore.FileOf(image, "/boot/vmlinuz")));
        Assert.Equal("12345", File.ReadAllText(ImageStore.DiskOf(image, null)));
        Assert.Equal(image, _store.Find("musubi/guest:1"));
        Assert.Equal([image], _store.List());
    }

    [Fact]
    public void Import_File_BecomesTheDisk()
    {
        StoredImage image = _store.Import("disk", _files.Write("plain.qcow2", "x"));

        Assert.Equal("disk:latest", image.Name);
        Assert.EndsWith("/disk/plain.qcow2", ImageStore.DiskOf(image, null), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("guest.tar")]
    [InlineData("guest.tar.gz")]
    [InlineData("guest.tgz")]
    public void Import_Tar_IsUnpacked(string name)
    {
        string path = _files.File(name);
        using (Stream file = File.Create(path))
        using (Stream target = name.EndsWith(".tar", StringComparison.Ordinal) ? file : new GZipStream(file, CompressionMode.Compress))
        {
            TarFile.CreateFromDirectory(_files.File("guest"), target, includeBaseDirectory: false);
        }

        Assert.Equal("12345", File.ReadAllText(ImageStore.DiskOf(_store.Import("t", path), null)));
    }

    [Fact]
    public void Import_Again_Replaces()
    {
        _store.Import("a", _files.File("guest"));
        StoredImage second = _store.Import("a:latest", _files.Write("new.img", "other"));

        Assert.Equal("other", File.ReadAllText(ImageStore.DiskOf(Assert.Single(_store.List()), null)));
        Assert.Throws<ImageException>(() => ImageStore.FileOf(second, "/boot/vmlinuz"));
        Assert.Single(Directory.GetDirectories(_files.File("images")));
    }

    [Fact]
    public void Find_NameWithoutTag_IsLatest()
    {
        _store.Import("registry:5000/guest", _files.File("guest"));

        Assert.Equal("registry:5000/guest:latest", _store.Find("registry:5000/guest")!.Name);
        Assert.Null(_store.Find("registry:5000/guest:2"));
    }

    [Fact]
    public void Remove_TellsWhetherThereWasOne()
    {
        _store.Import("a", _files.File("guest"));

        Assert.True(_store.Remove("a:latest"));
        Assert.False(_store.Remove("a"));
        Assert.Empty(_store.List());
    }

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("a b")]
    [InlineData("a\u0001")]
    public void Import_BadName_IsRefused(string name) => Assert.EndsWith("is not an image name", Refused(name, _files.File("guest")), StringComparison.Ordinal);

    [Theory]
    [InlineData("../../etc/x")]
    [InlineData("..")]
    [InlineData("/etc/passwd")]
    public void Import_NameLikeAPath_StaysInTheStore(string name)
    {
        StoredImage image = _store.Import(name, _files.File("guest"));

        Assert.StartsWith(_files.File("images") + "/", image.Root, StringComparison.Ordinal);
        Assert.Single(Directory.GetDirectories(_files.File("images")));
        Assert.NotNull(_store.Find(name));
    }

    [Fact]
    public void Import_SourceMissing_SaysSoAndLeavesNothing()
    {
        Assert.Equal("cannot import /nowhere: there is no such file or directory", Refused("a", "/nowhere"));
        Assert.Empty(Directory.GetDirectories(_files.File("images")));
    }

    [Fact]
    public void Import_BrokenTar_SaysSoAndLeavesNothing()
    {
        Assert.StartsWith("cannot import ", Refused("a", _files.Write("bad.tar", new string('x', 2000))), StringComparison.Ordinal);
        Assert.StartsWith("cannot import ", Refused("a", _files.Write("bad.tgz", "not gzip")), StringComparison.Ordinal);
        Assert.Empty(Directory.GetDirectories(_files.File("images")));
    }

    [Theory]
    [InlineData("../evil")]
    [InlineData("/tmp/musubi-evil")]
    public void Import_TarThatLeavesItsDirectory_IsRefused(string entry)
    {
        string path = _files.File("evil.tar");
        using (TarWriter tar = new(File.Create(path)))
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, entry) { DataStream = new MemoryStream([1]) });
        }

        Record.Exception(() => _store.Import("evil", path));

        Assert.False(File.Exists("/tmp/musubi-evil"));
        Assert.DoesNotContain(Directory.EnumerateFiles(_files.Path, "evil", SearchOption.AllDirectories), f => !f.Contains("/files/", StringComparison.Ordinal));
    }

    [Fact]
    public void Import_TarWithALinkOutside_IsRefused()
    {
        string path = _files.File("evil.tar");
        using (TarWriter tar = new(File.Create(path)))
        {
            tar.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, "disk") { LinkName = "/etc" });
        }

        Assert.StartsWith("cannot import ", Refused("evil", path), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../image.json")]
    [InlineData("/../../image.json")]
    [InlineData("/boot")]
    [InlineData("/nothing")]
    public void FileOf_OutsideOrMissing_IsRefused(string path)
    {
        StoredImage image = _store.Import("a", _files.File("guest"));

        Assert.Equal($"image a:latest has no file {path}", Assert.Throws<ImageException>(() => ImageStore.FileOf(image, path)).Message);
    }

    [Fact]
    public void DiskOf_NoneOrSeveral_SaysWhatToDo()
    {
        _files.Write("none/boot/k", "");
        _files.Write("two/disk/a", "");
        _files.Write("two/disk/b", "");
        StoredImage two = _store.Import("two", _files.File("two"));

        Assert.Equal("image none:latest has no disk: a file under disk/ was expected", Assert.Throws<ImageException>(() => ImageStore.DiskOf(_store.Import("none", _files.File("none")), null)).Message);
        Assert.Equal("image two:latest has 2 files under disk/: say which by containerDisk.path", Assert.Throws<ImageException>(() => ImageStore.DiskOf(two, null)).Message);
        Assert.EndsWith("/disk/b", ImageStore.DiskOf(two, "/disk/b"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { (byte)'Q', (byte)'F', (byte)'I', 0xfb, 0 }, "qcow2")]
    [InlineData(new byte[] { (byte)'Q', (byte)'F' }, "raw")]
    [InlineData(new byte[0], "raw")]
    public void FormatOf_IsToldByTheFirstBytes(byte[] content, string format)
    {
        string path = _files.File("probe");
        File.WriteAllBytes(path, content);

        Assert.Equal(format, ImageStore.FormatOf(path));
    }

    [Fact]
    public void List_LeftoverOfACrashedImport_IsNotAnImage()
    {
        _store.Import("a", _files.File("guest"));
        string image = Directory.GetDirectories(_files.File("images")).Single();
        using (Process copy = Process.Start("cp", ["-r", image, image + ".99999.new"]))
        {
            copy.WaitForExit();
        }

        Assert.Single(_store.List());
    }

    [Fact]
    public void Import_Files_AreReadableByGuestsProcesses()
    {
        string secret = _files.Write("guest/disk/disk.img", "x");
        File.SetUnixFileMode(secret, UnixFileMode.UserRead);

        Assert.True(File.GetUnixFileMode(ImageStore.DiskOf(_store.Import("a", _files.File("guest")), null)).HasFlag(UnixFileMode.OtherRead));
    }
}
