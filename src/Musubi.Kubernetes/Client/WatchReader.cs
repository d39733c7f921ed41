using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Client;

/// <summary>What happened to an object.</summary>
public enum WatchEventType
{
    /// <summary>It is there now, or matches the selection now.</summary>
    Added,

    /// <summary>It changed.</summary>
    Modified,

    /// <summary>It is gone, or no longer matches; the object holds the last state.</summary>
    Deleted,

    /// <summary>Nothing happened up to the version in the object's metadata.</summary>
    Bookmark,
}

/// <summary>One change.</summary>
public readonly record struct WatchEvent<T>(WatchEventType Type, T Object)
    where T : KubeObject
{
    /// <summary>Whether this bookmark ends the present objects of a watch that asked for them.</summary>
    public bool EndsInitialEvents => Type == WatchEventType.Bookmark && Object.Metadata.Annotation("k8s.io/initial-events-end") == "true";
}

/// <summary>Reads a watch stream: one JSON object per line, each parsed once, straight from the receive buffer.</summary>
internal static class WatchReader
{
    // The largest object a server stores, twice over.
    private const int MaxLineBytes = 6 * 1024 * 1024;

    public static async IAsyncEnumerable<WatchEvent<T>> ReadAsync<T>(
        Stream stream, Action<JsonException>? unreadable, [EnumeratorCancellation] CancellationToken ct)
        where T : KubeObject, IKubeObject<T>
    {
        PipeReader pipe = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 16 * 1024, leaveOpen: true));
        try
        {
            while (true)
            {
                ReadResult read = await pipe.ReadAsync(ct);
                ReadOnlySequence<byte> rest = read.Buffer;
                while (rest.PositionOf((byte)'\n') is { } end)
                {
                    ReadOnlySequence<byte> line = rest.Slice(0, end);
                    rest = rest.Slice(rest.GetPosition(1, end));
                    if (!line.IsEmpty && TryParse(line, unreadable, out WatchEvent<T> change))
                    {
                        yield return change;
                    }
                }

                if (rest.Length > MaxLineBytes)
                {
                    throw new JsonException($"a line of the watch on {T.Resource.QualifiedName} is longer than {MaxLineBytes} bytes");
                }

                // What is left at the end is half an event: the next watch brings it again.
                pipe.AdvanceTo(rest.Start, rest.End);
                if (read.IsCompleted)
                {
                    yield break;
                }
            }
        }
        finally
        {
            await pipe.CompleteAsync();
        }
    }

    private static bool TryParse<T>(ReadOnlySequence<byte> line, Action<JsonException>? unreadable, out WatchEvent<T> change)
        where T : KubeObject, IKubeObject<T>
    {
        try
        {
            change = Parse<T>(line);
            return true;
        }
        catch (JsonException e) when (unreadable is not null)
        {
            unreadable(e);
            change = default;
            return false;
        }
    }

    internal static WatchEvent<T> Parse<T>(ReadOnlySequence<byte> line)
        where T : KubeObject, IKubeObject<T>
    {
        Utf8JsonReader reader = new(line);
        WatchEventType? type = null;
        bool failed = false;
        Utf8JsonReader objectAt = default;
        bool hasObject = false;
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isType = reader.ValueTextEquals("type"u8);
            bool isObject = reader.ValueTextEquals("object"u8);
            reader.Read();
            if (isType)
            {
                failed = reader.ValueTextEquals("ERROR"u8);
                type = reader.ValueTextEquals("ADDED"u8) ? WatchEventType.Added
                    : reader.ValueTextEquals("MODIFIED"u8) ? WatchEventType.Modified
                    : reader.ValueTextEquals("DELETED"u8) ? WatchEventType.Deleted
                    : reader.ValueTextEquals("BOOKMARK"u8) ? WatchEventType.Bookmark
                    : null;
            }
            else if (isObject)
            {
                objectAt = reader;
                hasObject = true;
                reader.Skip();
            }
            else
            {
                reader.Skip();
            }
        }

        if (hasObject && failed)
        {
            ApiStatus status = JsonSerializer.Deserialize(ref objectAt, KubeJson.Default.ApiStatus) ?? new ApiStatus();
            throw new ApiException(status.Message is null ? status with { Message = "the watch ended with a failure" } : status);
        }

        return hasObject && type is { } known && JsonSerializer.Deserialize(ref objectAt, T.JsonType) is { } obj
            ? new WatchEvent<T>(known, obj)
            : throw new JsonException($"a line of the watch on {T.Resource.QualifiedName} is not a watch event");
    }
}

/// <summary>Reads list answers without a document in between.</summary>
internal static class ListReader
{
    public static (string ResourceVersion, string? Continue) Read<T>(ReadOnlySpan<byte> body, List<T> items, Action<JsonException>? unreadable)
        where T : KubeObject, IKubeObject<T>
    {
        Utf8JsonReader reader = new(body);
        ObjectMeta? metadata = null;
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isMetadata = reader.ValueTextEquals("metadata"u8);
            bool isItems = reader.ValueTextEquals("items"u8);
            reader.Read();
            if (isMetadata)
            {
                metadata = JsonSerializer.Deserialize(ref reader, KubeJson.Default.ObjectMeta);
            }
            else if (isItems && reader.TokenType == JsonTokenType.StartArray)
            {
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    ReadItem(ref reader, items, unreadable);
                }
            }
            else
            {
                reader.Skip();
            }
        }

        string? next = metadata?.Extra is { } extra && extra.TryGetValue("continue", out JsonElement token) && token.ValueKind == JsonValueKind.String
            ? token.GetString()
            : null;
        return (metadata?.ResourceVersion ?? "", next);
    }

    private static void ReadItem<T>(ref Utf8JsonReader reader, List<T> items, Action<JsonException>? unreadable)
        where T : KubeObject, IKubeObject<T>
    {
        Utf8JsonReader start = reader;
        try
        {
            T item = JsonSerializer.Deserialize(ref reader, T.JsonType) ?? throw new JsonException("an item of the list is null");
            items.Add(item.Kind is null ? item with { ApiVersion = T.Resource.ApiVersion, Kind = T.Resource.Kind } : item);
        }
        catch (JsonException e) when (unreadable is not null)
        {
            unreadable(e);
            reader = start;
            reader.Skip();
        }
    }
}
