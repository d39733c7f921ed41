using System.Text.Json.Nodes;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Schemas;

/// <summary>Writes the OpenAPI v3 document of one group version.</summary>
internal sealed class OpenApiWriter
{
    private const string ObjectMetaType = "meta/v1.ObjectMeta";
    private readonly JsonObject _schemas = [];
    private readonly Queue<SchemaNode> _pending = new();

    private OpenApiWriter()
    {
    }

    public static JsonObject Write(GroupVersion version)
    {
        var writer = new OpenApiWriter();
        var paths = new JsonObject();
        foreach (ServedResource resource in version.Resources)
        {
            string schema = writer.AddKind(resource);
            writer.AddPaths(paths, resource, schema);
        }
        while (writer._pending.TryDequeue(out SchemaNode? node)) writer.AddType(node);
        return new JsonObject
        {
            ["openapi"] = "3.0.0",
            ["info"] = new JsonObject { ["title"] = "Kubernetes", ["version"] = "v1.32.0" },
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = writer._schemas },
        };
    }

    private string AddKind(ServedResource resource)
    {
        JsonObject kind = GroupVersionKind(resource.Type);
        if (resource.Schema.Root.Source is not { } source)
        {
            string type = resource.Schema.Root.TypeName!;
            string name = SchemaName(type);
            if (!_schemas.ContainsKey(name)) _schemas[name] = TypeSchema(resource.Schema.Root);
            var builtIn = (JsonObject)_schemas[name]!;
            JsonObject properties = builtIn.ObjectOrNew("properties");
            AddTypeMeta(properties);
            builtIn["x-kubernetes-group-version-kind"] = new JsonArray(kind);
            return name;
        }
        string customName = $"{string.Join('.', resource.Type.Group.Split('.').Reverse())}.{resource.Type.Version}.{resource.Type.Kind}";
        var schema = (JsonObject)source.DeepClone();
        JsonObject members = schema.ObjectOrNew("properties");
        AddTypeMeta(members);
        members["metadata"] = Reference(FieldTable.Instance.Root(ObjectMetaType));
        schema["x-kubernetes-group-version-kind"] = new JsonArray(kind);
        _schemas[customName] = schema;
        return customName;
    }

    private void AddType(SchemaNode node)
    {
        string name = SchemaName(node.TypeName!);
        if (!_schemas.ContainsKey(name)) _schemas[name] = TypeSchema(node);
    }

    private JsonObject TypeSchema(SchemaNode node)
    {
        var properties = new JsonObject();
        foreach ((string key, SchemaNode member) in node.Properties.OrderBy(p => p.Key, StringComparer.Ordinal)) properties[key] = ValueSchema(member);
        var schema = new JsonObject { ["type"] = "object" };
        if (node.Description.Length > 0) schema["description"] = node.Description;
        if (properties.Count > 0) schema["properties"] = properties;
        if (node.Required.Count > 0) schema["required"] = new JsonArray([.. node.Required.Select(r => (JsonNode?)JsonValue.Create(r))]);
        return schema;
    }

    private JsonObject ValueSchema(SchemaNode node)
    {
        if (node.TypeName is not null)
        {
            JsonObject reference = Reference(node);
            if (!node.PatchRetainKeys && !node.AtomicObject) return reference;
            var wrapped = new JsonObject { ["allOf"] = new JsonArray(reference) };
            if (node.PatchRetainKeys) wrapped["x-kubernetes-patch-strategy"] = "retainKeys";
            if (node.AtomicObject) wrapped["x-kubernetes-map-type"] = "atomic";
            return wrapped;
        }
        var schema = new JsonObject();
        switch (node.Type)
        {
            case JsonType.Object:
                schema["type"] = "object";
                if (node.Additional is not null) schema["additionalProperties"] = ValueSchema(node.Additional);
                if (node.AtomicObject) schema["x-kubernetes-map-type"] = "atomic";
                break;
            case JsonType.Array:
                schema["type"] = "array";
                schema["items"] = ValueSchema(node.Items!);
                schema["x-kubernetes-list-type"] = node.List.ToString().ToLowerInvariant();
                if (node.ListKeys.Count > 0) schema["x-kubernetes-list-map-keys"] = new JsonArray([.. node.ListKeys.Select(k => (JsonNode?)JsonValue.Create(k))]);
                if (node.PatchMergeKey is not null) schema["x-kubernetes-patch-merge-key"] = node.PatchMergeKey;
                if (node.PatchMerge) schema["x-kubernetes-patch-strategy"] = node.PatchRetainKeys ? "merge,retainKeys" : "merge";
                break;
            case JsonType.Boolean: schema["type"] = "boolean"; break;
            case JsonType.Integer:
                schema["type"] = "integer";
                schema["format"] = "int64";
                break;
            case JsonType.Number: schema["type"] = "number"; break;
            case JsonType.IntOrString:
                schema["x-kubernetes-int-or-string"] = true;
                schema["oneOf"] = new JsonArray(new JsonObject { ["type"] = "integer" }, new JsonObject { ["type"] = "string" });
                break;
            case JsonType.Any: schema["x-kubernetes-preserve-unknown-fields"] = true; break;
            default:
                schema["type"] = "string";
                if (node.Form is TextForm.Time or TextForm.MicroTime) schema["format"] = "date-time";
                if (node.Form == TextForm.Bytes) schema["format"] = "byte";
                break;
        }
        if (node.Default is { } fallback) schema["default"] = fallback.DeepClone();
        if (node.Enum is { } values) schema["enum"] = new JsonArray([.. values.Select(v => v.Copy())]);
        return schema;
    }

    private JsonObject Reference(SchemaNode node)
    {
        string name = SchemaName(node.TypeName!);
        if (!_schemas.ContainsKey(name)) _pending.Enqueue(node);
        return new JsonObject { ["$ref"] = $"#/components/schemas/{name}" };
    }

    private void AddPaths(JsonObject paths, ServedResource resource, string schema)
    {
        ResourceType type = resource.Type;
        string root = type.Group.Length == 0 ? $"/api/{type.Version}" : $"/apis/{type.Group}/{type.Version}";
        string collection = type.Namespaced ? $"{root}/namespaces/{{namespace}}/{type.Plural}" : $"{root}/{type.Plural}";
        var collectionPath = new JsonObject();
        if (resource.Verbs.HasFlag(Verbs.List)) collectionPath["get"] = Operation("list", type, schema, body: null);
        if (resource.Verbs.HasFlag(Verbs.Create)) collectionPath["post"] = Operation("post", type, schema, "application/json");
        paths[collection] = collectionPath;
        if (!resource.Verbs.HasFlag(Verbs.Get)) return;
        string[] patches = resource.Custom is null
            ? ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"]
            : ["application/json-patch+json", "application/merge-patch+json"];
        paths[$"{collection}/{{name}}"] = new JsonObject
        {
            ["get"] = Operation("get", type, schema, body: null),
            ["put"] = Operation("put", type, schema, "application/json"),
            ["patch"] = Operation("patch", type, schema, patches),
            ["delete"] = Operation("delete", type, schema, body: null),
        };
    }

    private static JsonObject Operation(string action, ResourceType type, string schema, params string[]? body)
    {
        JsonObject Content(string mediaType, bool patch) => new()
        {
            [mediaType] = new JsonObject { ["schema"] = patch ? new JsonObject { ["type"] = "object" } : new JsonObject { ["$ref"] = $"#/components/schemas/{schema}" } },
        };
        var operation = new JsonObject
        {
            ["x-kubernetes-action"] = action,
            ["x-kubernetes-group-version-kind"] = GroupVersionKind(type),
            ["responses"] = new JsonObject { ["200"] = new JsonObject { ["description"] = "OK", ["content"] = Content("application/json", patch: false) } },
        };
        if (body is null) return operation;
        operation["parameters"] = new JsonArray([.. new[] { "dryRun", "fieldManager", "fieldValidation" }.Select(name => (JsonNode?)new JsonObject
        {
            ["name"] = name, ["in"] = "query", ["schema"] = new JsonObject { ["type"] = "string" },
        })]);
        var content = new JsonObject();
        foreach (string mediaType in body)
            foreach ((string key, JsonNode? value) in Content(mediaType, action == "patch")) content[key] = value.Copy();
        operation["requestBody"] = new JsonObject { ["content"] = content, ["required"] = true };
        return operation;
    }

    private static void AddTypeMeta(JsonObject properties)
    {
        properties["apiVersion"] = new JsonObject
        {
            ["type"] = "string",
            ["description"] = "APIVersion defines the versioned schema of this representation of an object.",
        };
        properties["kind"] = new JsonObject
        {
            ["type"] = "string",
            ["description"] = "Kind is a string value representing the REST resource this object represents. Cannot be updated. In CamelCase.",
        };
    }

    private static JsonObject GroupVersionKind(ResourceType type) => new() { ["group"] = type.Group, ["version"] = type.Version, ["kind"] = type.Kind };

    private static string SchemaName(string type)
    {
        string dotted = type.Replace('/', '.');
        return type.StartsWith("meta/", StringComparison.Ordinal) ? "io.k8s.apimachinery.pkg.apis." + dotted
            : type.StartsWith("apiextensions/", StringComparison.Ordinal) ? "io.k8s.apiextensions-apiserver.pkg.apis." + dotted
            : "io.k8s.api." + dotted;
    }
}
