using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text;

namespace Musubi.Cni.RuntimeTests.Support;

/// <summary>An image of nothing but busybox, made here: the archive that <c>docker save</c> writes and every runtime loads.</summary>
internal static class ScratchImage
{
    public const string Name = "musubi.test/busybox:1";

    private static readonly string[] _programs = ["sh", "sleep", "ip", "ping", "cat", "httpd", "wget", "nslookup", "ls", "sysctl"];

    /// <summary>Writes the archive.</summary>
    public static void Write(string path)
    {
        byte[] layer = Layer();
        byte[] config = Encoding.UTF8.GetBytes($$$"""
            {"architecture":"amd64","os":"linux","config":{"Entrypoint":["/bin/sleep","1000000"],"Env":["PATH=/bin"]},
             "rootfs":{"type":"layers","diff_ids":["sha256:{{{Hash(layer)}}}"]}}
            """);
        string manifest = $$$"""[{"Config":"{{{Hash(config)}}}.json","RepoTags":["{{{Name}}}"],"Layers":["layer.tar"]}]""";
        using FileStream file = File.Create(path);
        using TarWriter tar = new(file, TarEntryFormat.Ustar);
        Add(tar, "layer.tar", layer);
        Add(tar, Hash(config) + ".json", config);
        Add(tar, "manifest.json", Encoding.UTF8.GetBytes(manifest));
    }

    private static byte[] Layer()
    {
        using MemoryStream stream = new();
        using (TarWriter tar = new(stream, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (string directory in (string[])["bin", "dev", "etc", "proc", "sys", "tmp", "www"])
            {
                tar.WriteEntry(new UstarTarEntry(TarEntryType.Directory, directory + "/") { Mode = (UnixFileMode)0b111_101_101 });
            }

            Add(tar, "bin/busybox", File.ReadAllBytes("/bin/busybox"));
            Add(tar, "www/index.html", "hello from the container\n"u8.ToArray());
            foreach (string program in _programs)
            {
                tar.WriteEntry(new UstarTarEntry(TarEntryType.SymbolicLink, "bin/" + program) { LinkName = "busybox", Mode = (UnixFileMode)0b111_111_111 });
            }
        }

        return stream.ToArray();
    }

    private static void Add(TarWriter tar, string name, byte[] content) =>
        tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { Mode = (UnixFileMode)0b111_101_101, DataStream = new MemoryStream(content) });

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
