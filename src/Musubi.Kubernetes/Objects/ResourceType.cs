namespace Musubi.Kubernetes.Objects;

/// <summary>Names one kind of object as the API serves it: where it lives in the URL space and what it is called.</summary>
/// <param name="Group">API group; empty for the core group.</param>
/// <param name="Version">API version, as <c>v1</c>.</param>
/// <param name="Plural">Resource name in URLs, as <c>virtualmachines</c>.</param>
/// <param name="Kind">Kind in manifests, as <c>VirtualMachine</c>.</param>
/// <param name="Namespaced">False for cluster-scoped kinds.</param>
public sealed record ResourceType(string Group, string Version, string Plural, string Kind, bool Namespaced = true)
{
    /// <summary><c>v1</c> or <c>group/version</c>, as the <c>apiVersion</c> field holds it.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary><c>pods</c> or <c>virtualmachines.kubevirt.io</c>, as messages and CRD names have it.</summary>
    public string QualifiedName => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>The URL path of the collection, without a leading host; all namespaces when <paramref name="ns"/> is null.</summary>
    public string CollectionPath(string? ns)
    {
        string root = Group.Length == 0 ? $"/api/{Version}" : $"/apis/{Group}/{Version}";
        return Namespaced && ns is not null ? $"{root}/namespaces/{Uri.EscapeDataString(ns)}/{Plural}" : $"{root}/{Plural}";
    }

    /// <summary>The URL path of one object, optionally of one of its subresources (<c>status</c>, <c>scale</c>).</summary>
    public string ItemPath(ObjectKey key, string? subresource = null)
    {
        string path = $"{CollectionPath(Namespaced ? key.Namespace : null)}/{Uri.EscapeDataString(key.Name)}";
        return subresource is null ? path : $"{path}/{subresource}";
    }

    /// <inheritdoc/>
    public override string ToString() => $"{ApiVersion} {Kind}";
}

/// <summary>Namespace and name of an object; the namespace is empty for cluster-scoped kinds.</summary>
public readonly record struct ObjectKey(string Namespace, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => Namespace.Length == 0 ? Name : $"{Namespace}/{Name}";
}
