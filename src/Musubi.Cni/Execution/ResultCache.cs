using System.Buffers;
using System.Text.Json;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Execution;

/// <summary>
/// Results of ADD on disk until DEL, one file per attachment in the reference library's format (<c>cniCacheV1</c>), so that
/// an attachment made by one runtime can be detached by another.
/// </summary>
internal sealed class ResultCache(string directory)
{
    private const string Kind = "cniCacheV1";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public void Save(NetworkConfigList network, CniAttachment attachment, CniResult result)
    {
        ArrayBufferWriter<byte> buffer = new(1024);
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = PlainJsonEncoder.Instance }))
        {
            json.WriteStartObject();
            json.WriteString("kind", Kind);
            json.WriteString("containerId", attachment.ContainerId);
            json.WriteBase64String("config", network.Source.Span);
            json.WriteString("ifName", attachment.IfName);
            json.WriteString("networkName", network.Name);
            json.WriteString("netns", attachment.Netns);
            json.WriteStartArray("cniArgs");
            foreach (string pair in attachment.Args.Split(';', StringSplitOptions.RemoveEmptyEntries))
            {
                json.WriteStartArray();
                foreach (string part in pair.Split('=', 2))
                {
                    json.WriteStringValue(part);
                }

                json.WriteEndArray();
            }

            json.WriteEndArray();
            json.WritePropertyName("result");
            CniResultJson.WriteTo(json, result, network.Version);
            json.WriteEndObject();
        }

        Directory.CreateDirectory(directory);
        string path = PathOf(network.Name, attachment);
        using (FileStream file = new(path + ".new", new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly, BufferSize = 0 }))
        {
            file.Write(buffer.WrittenSpan);
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    public CniResult? Find(string network, CniAttachment attachment)
    {
        string path = PathOf(network, attachment);
        return File.Exists(path) && Read(path) is { } entry && entry.Object("result") is { } result
            ? CniResultJson.Read(result, CniVersion.V100)
            : null;
    }

    public void Remove(string network, CniAttachment attachment)
    {
        // Deleting a file that is not there is no error; a directory that is not there is one.
        if (Directory.Exists(directory))
        {
            File.Delete(PathOf(network, attachment));
        }
    }

    public IReadOnlyList<CniAttachment> List(string? network)
    {
        if (!Directory.Exists(directory))
        {
            return [];
        }

        List<CniAttachment> found = [];
        foreach (string path in Directory.EnumerateFiles(directory))
        {
            if (Read(path) is { } entry && (network is null || entry.Text("networkName") == network))
            {
                found.Add(new CniAttachment(entry.Text("containerId") ?? "", entry.Text("netns") ?? "", entry.Text("ifName") ?? ""));
            }
        }

        return found;
    }

    /// <summary>An entry; null for a file that is none, as one half written by a crash of another program.</summary>
    private static ConfigObject? Read(string path)
    {
        try
        {
            ConfigObject entry = ConfigObject.Parse(File.ReadAllBytes(path));
            return entry.Text("kind") == Kind ? entry : null;
        }
        catch (CniException)
        {
            return null;
        }
    }

    private string PathOf(string network, CniAttachment attachment) =>
        Path.Combine(directory, $"{network}-{attachment.ContainerId}-{attachment.IfName}");
}
