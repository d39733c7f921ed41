using System.Text.Json.Nodes;
using Musubi.ApiServer.Codecs;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.Http;

public sealed class ProtobufTests
{
    [Fact]
    public void ConfigMap_BecomesTheSameTreeAsItsJson() => AssertRead("v1", "ConfigMap",
        [.. Protobuf.Bytes(1, [.. Protobuf.Text(1, "name"), .. Protobuf.Text(3, "ns"), .. Protobuf.Bytes(8, [])]),
            .. Protobuf.Bytes(2, [.. Protobuf.Text(1, "key"), .. Protobuf.Text(2, "value")]), .. Protobuf.Bytes(3, [.. Protobuf.Text(1, "bin"), .. Protobuf.Bytes(2, [1, 2, 3])])],
        """{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"name","namespace":"ns"},"data":{"key":"value"},"binaryData":{"bin":"AQID"}}""");

    [Fact]
    public void ZeroValuesThatGoWritersSend_AreAbsent() => AssertRead("v1", "Service",
        Protobuf.Bytes(2, [.. Protobuf.Bytes(1, [.. Protobuf.Text(1, ""), .. Protobuf.Text(2, "TCP"), .. Protobuf.Number(3, 80), .. Protobuf.Bytes(4, [.. Protobuf.Number(1, 1), .. Protobuf.Text(3, "http")]),
            .. Protobuf.Number(5, 0)]), .. Protobuf.Number(13, 0)]),
        """{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"protocol":"TCP","port":80,"targetPort":"http"}]}}""");

    [Fact]
    public void InlinedMembers_BelongToTheirParent_AndQuantitiesAndTimesAreText() => AssertRead("v1", "Pod",
        [.. Protobuf.Bytes(1, Protobuf.Bytes(8, [.. Protobuf.Number(1, 1_000_000_000)])),
            .. Protobuf.Bytes(2, [.. Protobuf.Bytes(1, [.. Protobuf.Text(1, "v"), .. Protobuf.Bytes(2, Protobuf.Bytes(2, []))]),
                .. Protobuf.Bytes(2, [.. Protobuf.Text(1, "c"), .. Protobuf.Bytes(8, Protobuf.Bytes(1, [.. Protobuf.Text(1, "cpu"), .. Protobuf.Bytes(2, Protobuf.Text(1, "100m"))]))])])],
        """{"apiVersion":"v1","kind":"Pod","metadata":{"creationTimestamp":"2001-09-09T01:46:40Z"},"spec":{"volumes":[{"name":"v","emptyDir":{}}],"containers":[{"name":"c","resources":{"limits":{"cpu":"100m"}}}]}}""");

    [Fact]
    public void MicroTimes_HaveSixDigits() => AssertRead("coordination.k8s.io/v1", "Lease",
        Protobuf.Bytes(2, [.. Protobuf.Text(1, "me"), .. Protobuf.Number(2, 15), .. Protobuf.Bytes(4, [.. Protobuf.Number(1, 1), .. Protobuf.Number(2, 5000)])]),
        """{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","spec":{"holderIdentity":"me","leaseDurationSeconds":15,"renewTime":"1970-01-01T00:00:01.000005Z"}}""");

    private static void AssertRead(string apiVersion, string kind, byte[] content, string expected)
    {
        JsonObject actual = ProtobufReader.Parse(Protobuf.Envelope(apiVersion, kind, content));
        Assert.True(JsonTree.Equal(JsonNode.Parse(expected), actual), $"expected {expected}\nfound    {actual.ToJsonString()}");
    }
}
