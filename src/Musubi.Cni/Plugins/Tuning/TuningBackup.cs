using System.Buffers;
using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Files;
using Musubi.Linux.Links;

namespace Musubi.Cni.Plugins.Tuning;

/// <summary>
/// What an interface was like before ADD changed it, on disk until DEL, in the reference plugin's format. We add the network's name, which
/// that plugin passes over: it lets GC tell whose file it is.
/// </summary>
internal static class TuningBackup
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const string Suffix = ".json";
    private const string HalfWritten = ".new";

    /// <summary>Refuses a <c>dataDir</c> that is none, before anything is changed.</summary>
    public static void RequireDirectory(PluginCall call) => _ = DirectoryOf(call);

    /// <summary>Writes down the attributes that are about to change.</summary>
    public static void Save(PluginCall call, LinkInfo link, LinkChange change)
    {
        ArrayBufferWriter<byte> buffer = new(256);
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("network", call.NetworkName);
            if (change.Mac is not null)
            {
                json.WriteString("mac", link.Mac?.ToString());
            }

            if (change.Promiscuous is not null)
            {
                json.WriteBoolean("promisc", link.Flags.HasFlag(LinkFlags.Promiscuous));
            }

            if (change.MtuBytes is not null)
            {
                json.WriteNumber("mtu", link.MtuBytes);
            }

            if (change.AllMulticast is not null)
            {
                json.WriteBoolean("allmulti", link.Flags.HasFlag(LinkFlags.AllMulticast));
            }

            if (change.TxQueueLength is not null)
            {
                json.WriteNumber("txQLen", link.TxQueueLength);
            }

            json.WriteEndObject();
        }

        string path = PathOf(call);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnerOnly | UnixFileMode.UserExecute);
        string half = path + HalfWritten;
        try
        {
            using (FileStream file = new(half, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly, BufferSize = 0 }))
            {
                file.Write(buffer.WrittenSpan);
            }

            File.Move(half, path, overwrite: true);
        }
        catch (IOException e)
        {
            File.Delete(half);
            throw new CniException(CniErrorCode.IoFailure, $"failed to save {path}, by which DEL restores the interface: {FileErrors.Describe(e)}");
        }
    }

    /// <summary>The change that takes an attachment's changes back; null when nothing is written down, or nothing that can be read.</summary>
    public static LinkChange? Find(PluginCall call)
    {
        string path = PathOf(call);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            ConfigObject saved = ConfigObject.Parse(File.ReadAllBytes(path));
            return new LinkChange
            {
                Mac = MacAddress.TryParse(saved.Text("mac"), out MacAddress mac) ? mac : null,
                Promiscuous = saved.Flag("promisc"),
                MtuBytes = saved.Number("mtu") is { } mtu and > 0 ? mtu : null,
                AllMulticast = saved.Flag("allmulti"),
                TxQueueLength = saved.Number("txQLen"),
            };
        }
        catch (CniException)
        {
            return null;
        }
    }

    public static void Remove(PluginCall call)
    {
        string path = PathOf(call);
        if (Directory.Exists(Path.GetDirectoryName(path)))
        {
            File.Delete(path);
            File.Delete(path + HalfWritten);
        }
    }

    /// <summary>Removes the files of this network's attachments that are not valid any more; those of the reference plugin do not tell their network and stay.</summary>
    public static void RemoveInvalid(PluginCall call)
    {
        string directory = DirectoryOf(call);
        if (!Directory.Exists(directory))
        {
            return;
        }

        HashSet<string> valid = [.. call.ValidAttachments.Select(v => FileOf(v.ContainerId, v.IfName))];
        foreach (string path in Directory.EnumerateFiles(directory, "*" + Suffix + "*"))
        {
            // What an ADD that was killed has left may tell nothing, and is no use to anybody.
            bool half = path.EndsWith(HalfWritten, StringComparison.Ordinal);
            string name = Path.GetFileName(half ? path[..^HalfWritten.Length] : path);
            if (!valid.Contains(name) && (NetworkOf(path) is { } network ? network == call.NetworkName : half))
            {
                File.Delete(path);
            }
        }
    }

    private static string? NetworkOf(string path)
    {
        try
        {
            return ConfigObject.Parse(File.ReadAllBytes(path)).Text("network");
        }
        catch (Exception e) when (e is CniException or IOException)
        {
            return null;
        }
    }

    private static string PathOf(PluginCall call) => Path.Combine(DirectoryOf(call), FileOf(call.Invocation.ContainerId, call.Invocation.IfName));

    private static string FileOf(string containerId, string ifName) => $"{containerId}_{ifName}{Suffix}";

    private static string DirectoryOf(PluginCall call) =>
        call.Config.Text("dataDir") is { Length: > 0 } directory ? directory : Path.Combine(call.Environment.RuntimeDirectory, "tuning");
}
