using System.Buffers;
using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Storage;

/// <summary>One version of one object: the bytes that are served, and what the server knows about them. Immutable.</summary>
internal sealed class StoredObject
{
    private StoredObject(string key, long version, byte[] json)
    {
        Key = key;
        Version = version;
        Json = json;
        Facts = ObjectFacts.Read(json);
        int slash = key.IndexOf('/');
        Namespace = slash < 0 ? "" : key[..slash];
        Name = slash < 0 ? key : key[(slash + 1)..];
    }

    /// <summary><c>namespace/name</c>, or <c>name</c> for cluster-scoped objects.</summary>
    public string Key { get; }

    public string Namespace { get; }

    public string Name { get; }

    /// <summary>The resource version, also found in <see cref="Json"/>.</summary>
    public long Version { get; }

    public byte[] Json { get; }

    public ObjectFacts Facts { get; }

    public static StoredObject Load(string key, long version, byte[] json) => new(key, version, json);

    public static string KeyOf(string ns, string name) => ns.Length == 0 ? name : $"{ns}/{name}";

    /// <summary>A tree of its own, for changing.</summary>
    public JsonObject ToTree() => JsonTree.ParseObject(Json);

    /// <summary>The same content under another resource version, as the last state of a deleted object carries it.</summary>
    public StoredObject WithVersion(long version) => new(Key, version, Splice(Json, Facts.Version.Start, Facts.Version.Length, version));

    /// <summary>Takes the draft's place with its version known.</summary>
    public static StoredObject FromDraft(string key, ObjectDraft draft, long version) => new(key, version, Splice(draft.Json, draft.VersionAt, 0, version));

    private static byte[] Splice(byte[] json, int start, int length, long version)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(version, digits, out int written);
        byte[] result = new byte[json.Length - length + written];
        json.AsSpan(0, start).CopyTo(result);
        digits[..written].CopyTo(result.AsSpan(start));
        json.AsSpan(start + length).CopyTo(result.AsSpan(start + written));
        return result;
    }
}

/// <summary>
/// An object ready to be stored, but for its resource version: the writer puts that in when the object's turn comes, so that the
/// costly part of writing happens on the requests' threads.
/// </summary>
internal sealed class ObjectDraft
{
    private ObjectDraft(byte[] json, int versionAt)
    {
        Json = json;
        VersionAt = versionAt;
    }

    public byte[] Json { get; }

    /// <summary>Where the digits go.</summary>
    public int VersionAt { get; }

    public static ObjectDraft From(JsonObject tree)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        int versionAt = 0;
        using (Utf8JsonWriter writer = JsonTree.Writer(buffer))
        {
            writer.WriteStartObject();
            WriteMember(writer, tree, "apiVersion");
            WriteMember(writer, tree, "kind");
            writer.WriteStartObject("metadata");
            foreach ((string key, JsonNode? value) in tree.Object("metadata") ?? [])
            {
                if (key == "resourceVersion") continue;
                writer.WritePropertyName(key);
                JsonTree.WriteValue(writer, value);
            }
            writer.WriteString("resourceVersion"u8, ""u8);
            versionAt = checked((int)(writer.BytesCommitted + writer.BytesPending)) - 1;
            writer.WriteEndObject();
            foreach ((string key, JsonNode? value) in tree)
            {
                if (key is "apiVersion" or "kind" or "metadata") continue;
                writer.WritePropertyName(key);
                JsonTree.WriteValue(writer, value);
            }
            writer.WriteEndObject();
        }
        return new ObjectDraft(buffer.WrittenSpan.ToArray(), versionAt);
    }

    private static void WriteMember(Utf8JsonWriter writer, JsonObject tree, string key)
    {
        if (tree.Text(key) is { } value) writer.WriteString(key, value);
    }
}
