using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Tests;

/// <summary>A kind of its own, so that the machinery is tested without knowing any real one.</summary>
public sealed record Widget : KubeObject, IKubeObject<Widget>
{
    public static ResourceType Resource { get; } = new("test.io", "v1", "widgets", "Widget");

    public static JsonTypeInfo<Widget> JsonType => WidgetJson.Default.Widget;

    public string? Color { get; set; }

    public static string Json(string name, int version, string color = "red", string uid = "u") =>
        $$$"""{"apiVersion":"test.io/v1","kind":"Widget","metadata":{"name":"{{{name}}}","namespace":"ns","uid":"{{{uid}}}","resourceVersion":"{{{version}}}"},"color":"{{{color}}}","novel":{"kept":true}}""";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(KubeTimeConverter)])]
[JsonSerializable(typeof(Widget))]
internal sealed partial class WidgetJson : JsonSerializerContext;
