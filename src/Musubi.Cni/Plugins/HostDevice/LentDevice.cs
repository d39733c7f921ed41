using System.Buffers;
using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;

namespace Musubi.Cni.Plugins.HostDevice;

/// <summary>
/// What a lent device was on the host, on disk from ADD to DEL. The alias alone does not tell: an administrator may have given a device one that
/// means something else.
/// </summary>
/// <param name="Network">The network that lent it.</param>
/// <param name="ContainerId">The container that has it.</param>
/// <param name="IfName">Its name there.</param>
/// <param name="HostName">Its name on the host.</param>
/// <param name="HostAlias">Its alias on the host; empty for none.</param>
/// <param name="Index">Its number on the host. The kernel keeps it where it can.</param>
/// <param name="Mac">Its address on the host.</param>
internal sealed record LentDevice(string Network, string ContainerId, string IfName, string HostName, string HostAlias, LinkIndex Index, MacAddress? Mac)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const string Suffix = ".json";

    /// <summary>Whether a link of the host is this device, come back by itself: under the container's name for it, or the one that the kernel gives where that is taken.</summary>
    public bool IsReturned(LinkInfo link) =>
        link.Alias == HostName && (link.Name == IfName || DeviceSearch.IsFallbackName(link.Name)) && (link.Index == Index || (link.Mac is not null && link.Mac == Mac));

    /// <summary>Writes it down.</summary>
    public void Save(PluginCall call)
    {
        ArrayBufferWriter<byte> buffer = new(256);
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteString("network", Network);
            json.WriteString("containerId", ContainerId);
            json.WriteString("ifName", IfName);
            json.WriteString("hostName", HostName);
            json.WriteString("hostAlias", HostAlias);
            json.WriteNumber("index", Index.Value);
            json.WriteString("mac", Mac?.ToString());
            json.WriteEndObject();
        }

        string path = PathOf(call, ContainerId, IfName);
        string half = path + ".new";
        try
        {
            Directory.CreateDirectory(DirectoryOf(call), OwnerOnly | UnixFileMode.UserExecute);
            using (FileStream file = new(half, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly, BufferSize = 0 }))
            {
                file.Write(buffer.WrittenSpan);
            }

            File.Move(half, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CniException(CniErrorCode.IoFailure, $"failed to save {path}, by which DEL finds the device's name: {e.Message}");
        }
    }

    /// <summary>What is written down of an attachment; null when nothing is, or nothing that can be read.</summary>
    public static LentDevice? Find(PluginCall call) => Read(PathOf(call, call.Invocation.ContainerId, call.Invocation.IfName));

    /// <summary>Everything that is written down.</summary>
    public static IEnumerable<LentDevice> All(PluginCall call) => Directory.Exists(DirectoryOf(call))
        ? Directory.EnumerateFiles(DirectoryOf(call), "*" + Suffix).Select(Read).OfType<LentDevice>()
        : [];

    /// <summary>Removes what is written down.</summary>
    public void Remove(PluginCall call) => File.Delete(PathOf(call, ContainerId, IfName));

    private static LentDevice? Read(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            ConfigObject saved = ConfigObject.Parse(File.ReadAllBytes(path));
            return saved.Text("hostName") is { } name && DeviceSearch.IsName(name)
                ? new LentDevice(
                    saved.Text("network") ?? "",
                    saved.Text("containerId") ?? "",
                    saved.Text("ifName") ?? "",
                    name,
                    saved.Text("hostAlias") ?? "",
                    new LinkIndex(saved.Number("index") ?? 0),
                    MacAddress.TryParse(saved.Text("mac"), out MacAddress mac) ? mac : null)
                : null;
        }
        catch (Exception e) when (e is CniException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string DirectoryOf(PluginCall call) => Path.Combine(call.Environment.RuntimeDirectory, "host-device");

    private static string PathOf(PluginCall call, string containerId, string ifName) => Path.Combine(DirectoryOf(call), $"{containerId}_{ifName}{Suffix}");
}
