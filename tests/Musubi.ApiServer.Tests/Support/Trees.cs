using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;

namespace Musubi.ApiServer.Tests.Support;

/// <summary>Arbitrary JSON without nulls in objects, so that merge patches can describe it.</summary>
internal static class Trees
{
    private static readonly Gen<string> s_keys = Gen.Elements("a", "b", "c", "d", "x/y", "é");

    public static Gen<JsonObject> Objects { get; } = Gen.Sized(size => ObjectOf(Math.Min(size, 12)));

    private static Gen<JsonObject> ObjectOf(int size) =>
        from count in Gen.Choose(0, 4)
        from pairs in Gen.ArrayOf(from key in s_keys from value in Value(size / 3) select KeyValuePair.Create(key, value), count)
        select new JsonObject(pairs.DistinctBy(p => p.Key).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));

    private static Gen<JsonNode?> Value(int size)
    {
        Gen<JsonNode?> scalar = Gen.OneOf(
            Gen.Choose(-5, 5).Select(i => (JsonNode?)JsonValue.Create((long)i)),
            Gen.Elements("", "text", "日本", "\"\\\n", "1").Select(s => (JsonNode?)JsonValue.Create(s)),
            Gen.Elements(true, false).Select(b => (JsonNode?)JsonValue.Create(b)),
            Gen.Elements(0.5, 1e300, -2.25).Select(d => (JsonNode?)JsonValue.Create(d)));
        if (size == 0) return scalar;
        return Gen.OneOf(scalar, ObjectOf(size).Select(o => (JsonNode?)o),
            Gen.Choose(0, 3).SelectMany(n => Gen.ArrayOf(Value(size / 2), n)).Select(items => (JsonNode?)new JsonArray([.. items.Select(i => i?.DeepClone())])));
    }
}
