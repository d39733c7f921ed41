using System.Text.Json;

namespace Musubi.ApiServer.Storage;

/// <summary>What the server itself needs to know about an object without parsing it again: read from <c>metadata</c> once.</summary>
internal sealed record ObjectFacts
{
    private static readonly KeyValuePair<string, string>[] NoLabels = [];

    public string Uid { get; private set; } = "";

    public KeyValuePair<string, string>[] Labels { get; private set; } = NoLabels;

    public OwnerLink[] Owners { get; private set; } = [];

    public string[] Finalizers { get; private set; } = [];

    public bool Deleting { get; private set; }

    /// <summary>Where the text of <c>metadata.resourceVersion</c> starts in the object's bytes, and how long it is.</summary>
    public (int Start, int Length) Version { get; private set; }

    public string? Label(string key)
    {
        foreach (KeyValuePair<string, string> label in Labels)
            if (label.Key == key) return label.Value;
        return null;
    }

    /// <summary>Reads the facts; reading stops behind <c>metadata</c>, which the writer of objects puts first.</summary>
    public static ObjectFacts Read(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 512 });
        var facts = new ObjectFacts();
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool metadata = reader.ValueTextEquals("metadata"u8);
            reader.Read();
            if (!metadata)
            {
                reader.Skip();
                continue;
            }
            facts.ReadMetadata(ref reader);
            break;
        }
        return facts;
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            switch (name)
            {
                case "uid" when reader.TokenType == JsonTokenType.String: Uid = reader.GetString()!; break;
                case "resourceVersion": Version = ((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length); break;
                case "deletionTimestamp": Deleting = reader.TokenType == JsonTokenType.String; break;
                case "labels" when reader.TokenType == JsonTokenType.StartObject: Labels = ReadLabels(ref reader); break;
                case "finalizers" when reader.TokenType == JsonTokenType.StartArray: Finalizers = ReadTexts(ref reader); break;
                case "ownerReferences" when reader.TokenType == JsonTokenType.StartArray: Owners = ReadOwners(ref reader); break;
                default: reader.Skip(); break;
            }
        }
    }

    private static KeyValuePair<string, string>[] ReadLabels(ref Utf8JsonReader reader)
    {
        var labels = new List<KeyValuePair<string, string>>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            reader.Read();
            if (reader.TokenType == JsonTokenType.String) labels.Add(new(key, reader.GetString()!));
            else reader.Skip();
        }
        return labels.Count == 0 ? NoLabels : [.. labels];
    }

    private static string[] ReadTexts(ref Utf8JsonReader reader)
    {
        var items = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.String) items.Add(reader.GetString()!);
            else reader.Skip();
        }
        return [.. items];
    }

    private static OwnerLink[] ReadOwners(ref Utf8JsonReader reader)
    {
        var owners = new List<OwnerLink>();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var owner = new OwnerLink("", "", "", "", BlockDeletion: false);
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                reader.Read();
                owner = (name, reader.TokenType) switch
                {
                    ("apiVersion", JsonTokenType.String) => owner with { ApiVersion = reader.GetString()! },
                    ("kind", JsonTokenType.String) => owner with { Kind = reader.GetString()! },
                    ("name", JsonTokenType.String) => owner with { Name = reader.GetString()! },
                    ("uid", JsonTokenType.String) => owner with { Uid = reader.GetString()! },
                    ("blockOwnerDeletion", JsonTokenType.True) => owner with { BlockDeletion = true },
                    _ => owner,
                };
                reader.Skip();
            }
            owners.Add(owner);
        }
        return [.. owners];
    }
}

/// <summary>One entry of <c>metadata.ownerReferences</c>.</summary>
internal readonly record struct OwnerLink(string ApiVersion, string Kind, string Name, string Uid, bool BlockDeletion);
