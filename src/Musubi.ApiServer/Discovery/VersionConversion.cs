using System.Text.Json.Nodes;
using Musubi.ApiServer.Storage;

namespace Musubi.ApiServer.Discovery;

/// <summary>How objects of one served version are stored and read back.</summary>
internal interface IVersionConversion
{
    /// <summary>The bytes that a client of this version gets.</summary>
    byte[] Render(StoredObject obj);

    /// <summary>A tree in this version.</summary>
    JsonObject Read(StoredObject obj);

    /// <summary>Turns a tree of this version into the stored one.</summary>
    void ToStored(JsonObject obj);

    /// <summary>Turns a tree of the stored version into this one.</summary>
    void FromStored(JsonObject obj);
}

/// <summary>The version is the stored one: objects are served as the bytes that were written.</summary>
internal sealed class SameVersion : IVersionConversion
{
    public static SameVersion Instance { get; } = new();

    public byte[] Render(StoredObject obj) => obj.Json;

    public JsonObject Read(StoredObject obj) => obj.ToTree();

    public void ToStored(JsonObject obj)
    {
    }

    public void FromStored(JsonObject obj)
    {
    }
}
