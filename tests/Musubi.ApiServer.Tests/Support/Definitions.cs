using System.Text;

namespace Musubi.ApiServer.Tests.Support;

/// <summary>Custom kinds for tests.</summary>
internal static class Definitions
{
    /// <summary>A kind with a bit of everything that schemas can say.</summary>
    public const string Gadget = """
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"gadgets.example.com"},
         "spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"gadgets","kind":"Gadget","shortNames":["gd"],"categories":["all"]},
          "versions":[
           {"name":"v1","served":true,"storage":true,
            "subresources":{"status":{},"scale":{"specReplicasPath":".spec.replicas","statusReplicasPath":".status.replicas","labelSelectorPath":".status.selector"}},
            "selectableFields":[{"jsonPath":".spec.color"}],
            "additionalPrinterColumns":[
             {"name":"Size","type":"integer","jsonPath":".spec.size"},{"name":"Color","type":"string","jsonPath":".spec.color"},
             {"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"},
             {"name":"First","type":"string","jsonPath":".spec.items[*].name","priority":1},{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}],
            "schema":{"openAPIV3Schema":{"type":"object","description":"A gadget.","required":["spec"],"properties":{
             "spec":{"type":"object","required":["size"],"properties":{
              "size":{"type":"integer","minimum":1,"maximum":10},
              "color":{"type":"string","enum":["red","green"],"default":"red"},
              "name":{"type":"string","pattern":"^[a-z]*$","maxLength":5},
              "address":{"type":"string","format":"ipv4"},
              "replicas":{"type":"integer","default":1},
              "port":{"x-kubernetes-int-or-string":true},
              "note":{"type":"string","nullable":true},
              "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
              "nested":{"type":"object","default":{},"properties":{"deep":{"type":"string","default":"d"}}},
              "items":{"type":"array","maxItems":3,"x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
               "items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"value":{"type":"string","default":"v"}}}},
              "tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
              "choice":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"oneOf":[{"required":["a"]},{"required":["b"]}]}}},
             "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}},
           {"name":"v1beta1","served":true,"storage":false,"deprecated":true,
            "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer"},"legacy":{"type":"string","default":"old"}}}}}}}]}}
        """;
}

/// <summary>Just enough of protobuf writing for requests.</summary>
internal static class Protobuf
{
    public static byte[] Envelope(string apiVersion, string kind, byte[] content) =>
        [.. "k8s\0"u8, .. Bytes(1, [.. Text(1, apiVersion), .. Text(2, kind)]), .. Bytes(2, content)];

    public static byte[] Text(int field, string text) => Bytes(field, Encoding.UTF8.GetBytes(text));

    public static byte[] Bytes(int field, byte[] content) => [.. Varint((ulong)field << 3 | 2), .. Varint((ulong)content.Length), .. content];

    public static byte[] Number(int field, long value) => [.. Varint((ulong)field << 3), .. Varint((ulong)value)];

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}
