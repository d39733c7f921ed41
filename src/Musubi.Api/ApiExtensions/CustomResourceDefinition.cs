using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api;

/// <summary>Teaches an API server a kind.</summary>
public sealed record CustomResourceDefinition : KubeObject, IKubeObject<CustomResourceDefinition>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", Namespaced: false);

    /// <inheritdoc/>
    public static JsonTypeInfo<CustomResourceDefinition> JsonType => ApiJson.Default.CustomResourceDefinition;

    /// <summary>Names, versions and schemas, as written.</summary>
    public JsonElement? Spec { get; set; }

    /// <summary>What the server made of it.</summary>
    public JsonElement? Status { get; set; }
}

/// <summary>The definitions of the kinds that Musubi brings: the files of <c>deploy/crds</c>.</summary>
public static class CustomResourceDefinitions
{
    private const string Prefix = "crds/";

    /// <summary>The objects as written, in the order of the file names. Each call returns copies of its own.</summary>
    public static IReadOnlyList<JsonObject> All
    {
        get
        {
            System.Reflection.Assembly assembly = typeof(CustomResourceDefinition).Assembly;
            return
            [
                .. from name in assembly.GetManifestResourceNames().Order(StringComparer.Ordinal)
                   where name.StartsWith(Prefix, StringComparison.Ordinal)
                   from manifest in Manifest.Parse(Text(assembly, name), name)
                   select manifest.Object,
            ];
        }
    }

    private static string Text(System.Reflection.Assembly assembly, string name)
    {
        using StreamReader reader = new(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
