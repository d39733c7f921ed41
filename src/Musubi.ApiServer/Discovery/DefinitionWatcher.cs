using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Kinds;
using Musubi.ApiServer.Schemas;
using Musubi.ApiServer.Storage;
using Musubi.ApiServer.Tables;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Discovery;

/// <summary>
/// Keeps the registry in step with the stored CustomResourceDefinitions. It acts while the write of a definition completes, so that a
/// kind is served when its definition's creation is answered.
/// </summary>
internal sealed partial class DefinitionWatcher
{
    private readonly ObjectStore _store;
    private readonly ResourceRegistry _registry;
    private readonly ILogger _logger;
    private readonly Bucket _definitions;
    private readonly Dictionary<string, (long Version, IReadOnlyList<ServedResource> Resources)> _known = new(StringComparer.Ordinal);

    public DefinitionWatcher(ObjectStore store, ResourceRegistry registry, ILogger logger)
    {
        (_store, _registry, _logger) = (store, registry, logger);
        _definitions = store.Bucket("apiextensions.k8s.io/customresourcedefinitions");
        Reload();
    }

    /// <summary>Called for every committed change.</summary>
    public void OnCommitted(Bucket bucket)
    {
        if (bucket == _definitions) Reload();
    }

    private void Reload()
    {
        var present = new HashSet<string>(StringComparer.Ordinal);
        foreach (StoredObject definition in _definitions.Objects.Range())
        {
            present.Add(definition.Key);
            if (_known.TryGetValue(definition.Key, out var known) && known.Version == definition.Version) continue;
            try
            {
                _known[definition.Key] = (definition.Version, [.. Read(definition.ToTree(), definition)]);
            }
            catch (Exception e) when (e is InvalidOperationException or ApiException)
            {
                LogUnusable(_logger, e, definition.Name);
                _known[definition.Key] = (definition.Version, []);
            }
        }
        foreach (string gone in _known.Keys.Except(present).ToList()) _known.Remove(gone);
        // Of two definitions that claim one name, the older holds it.
        var taken = new HashSet<(string, string, string)>(_registry.BuiltIn.Select(r => (r.Type.Group, r.Type.Version, r.Type.Plural)));
        var served = new List<ServedResource>();
        foreach ((_, (_, IReadOnlyList<ServedResource> resources)) in _known.OrderBy(k => k.Key, StringComparer.Ordinal))
            served.AddRange(resources.Where(r => taken.Add((r.Type.Group, r.Type.Version, r.Type.Plural))));
        _registry.SetCustom(served);
    }

    private IEnumerable<ServedResource> Read(JsonObject definition, StoredObject stored)
    {
        JsonObject spec = definition.Object("spec") ?? [], names = spec.Object("names") ?? [];
        string group = spec.Text("group") ?? "", plural = names.Text("plural") ?? "", kind = names.Text("kind") ?? "";
        if (!IsEstablished(definition)) yield break;
        bool namespaced = spec.Text("scope") == "Namespaced";
        string storageVersion = spec.Array("versions").Objects().FirstOrDefault(v => v.Bool("storage") == true)?.Text("name") ?? "";
        foreach (JsonObject version in spec.Array("versions").Objects())
        {
            if (version.Bool("served") != true) continue;
            string name = version.Text("name") ?? "";
            var type = new ResourceType(group, name, plural, kind, namespaced);
            var schema = new StructuralSchema(version.Object("schema")?.Object("openAPIV3Schema"));
            JsonObject? subresources = version.Object("subresources");
            yield return new ServedResource
            {
                Type = type,
                Verbs = Verbs.All,
                Bucket = _store.Bucket($"{group}/{plural}"),
                Singular = names.Text("singular") ?? kind.ToLowerInvariant(),
                ListKind = names.Text("listKind") ?? kind + "List",
                ShortNames = [.. names.Array("shortNames").Texts()],
                Categories = [.. names.Array("categories").Texts()],
                Subresources = [.. Subresources(type, subresources)],
                Rules = CustomRules.Instance,
                Schema = schema,
                Conversion = new CustomConversion(type, $"{group}/{storageVersion}", schema, stored.Version),
                Table = ColumnTable.FromDefinition(version.Array("additionalPrinterColumns")),
                Custom = new CustomResource(stored.Name, $"{stored.Facts.Uid}/{definition.At("metadata", "generation")?.ToJsonString()}", Deprecation(version, type),
                    Path(subresources?.Object("scale")?.Text("specReplicasPath")), Path(subresources?.Object("scale")?.Text("statusReplicasPath")),
                    Path(subresources?.Object("scale")?.Text("labelSelectorPath")),
                    [.. version.Array("selectableFields").Objects().Select(f => (f.Text("jsonPath") ?? "").TrimStart('.'))], stored.Facts.Deleting),
            };
        }
    }

    private static bool IsEstablished(JsonObject definition) => definition.Object("status")?.Array("conditions").Objects()
        .Any(c => c.Text("type") == "Established" && c.Text("status") == "True") == true;

    private static IEnumerable<Subresource> Subresources(ResourceType type, JsonObject? declared)
    {
        const Verbs readAndWrite = Verbs.Get | Verbs.Patch | Verbs.Update;
        if (declared?.ContainsKey("status") == true) yield return new Subresource("status", type.Group, type.Version, type.Kind, readAndWrite);
        if (declared?.Object("scale") is not null) yield return new Subresource("scale", "autoscaling", "v1", "Scale", readAndWrite);
    }

    private static string? Deprecation(JsonObject version, ResourceType type) =>
        version.Bool("deprecated") != true ? null : version.Text("deprecationWarning") ?? $"{type.ApiVersion} {type.Kind} is deprecated";

    private static string[]? Path(string? text) => string.IsNullOrEmpty(text) ? null : text.TrimStart('.').Split('.');

    [LoggerMessage(EventId = 1621, Level = LogLevel.Error, Message = "The definition {Name} cannot be used; its kind is not served")]
    private static partial void LogUnusable(ILogger logger, Exception e, string name);
}

/// <summary>
/// Custom objects are stored in one version and read in any, which changes nothing but <c>apiVersion</c>. An object that was written
/// under an older definition is brought in line with the present one when it is read.
/// </summary>
internal sealed class CustomConversion(ResourceType type, string storageVersion, StructuralSchema schema, long definitionVersion) : IVersionConversion
{
    private readonly System.Runtime.CompilerServices.ConditionalWeakTable<StoredObject, byte[]> _rendered = [];

    public byte[] Render(StoredObject obj)
    {
        if (type.ApiVersion == storageVersion && obj.Version > definitionVersion) return obj.Json;
        return _rendered.GetValue(obj, o => JsonTree.ToBytes(Read(o)));
    }

    public JsonObject Read(StoredObject obj)
    {
        JsonObject tree = obj.ToTree();
        FromStored(tree);
        return tree;
    }

    public void ToStored(JsonObject obj) => obj["apiVersion"] = storageVersion;

    public void FromStored(JsonObject obj)
    {
        obj["apiVersion"] = type.ApiVersion;
        schema.Decode(obj, new DecodeReport());
    }
}
