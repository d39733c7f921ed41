using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Schemas;

/// <summary>The schema of a built-in kind, taken from the field table when the first object of the kind is written.</summary>
internal sealed class LazyTypedSchema(ResourceType type) : IObjectSchema
{
    private readonly Lazy<TypedSchema> _schema = new(() =>
        new TypedSchema(type.Kind, FieldTable.Instance.Root(FieldTable.Instance.TypeOf(type.ApiVersion, type.Kind)
            ?? throw new InvalidOperationException($"the field table lacks {type}"))));

    public SchemaNode Root => _schema.Value.Root;

    public void Decode(JsonObject obj, DecodeReport report) => _schema.Value.Decode(obj, report);

    public IReadOnlyList<FieldError> Validate(JsonObject obj, JsonObject? old) => _schema.Value.Validate(obj, old);
}
