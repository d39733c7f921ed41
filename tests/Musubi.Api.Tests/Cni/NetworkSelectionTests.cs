using FsCheck;
using FsCheck.Fluent;
using Musubi.Api.Cni;

namespace Musubi.Api.Tests.Cni;

public class NetworkSelectionTests
{
    [Theory]
    [InlineData("net-a", "pods/net-a@net1")]
    [InlineData(" net-a , other/net-b@eth7 ", "pods/net-a@net1 other/net-b@eth7")]
    [InlineData("""[{"name":"a"},{"name":"b","namespace":"x","interface":"data"},{"name":"c","interfaceRequest":"old"}]""", "pods/a@net1 x/b@data pods/c@old")]
    [InlineData("""[{"name":"dotted.name","mac":"02:00:00:00:00:07","cni-args":{"x":1},"unknown":true}]""", "pods/dotted.name@net1")]
    [InlineData("", "")]
    [InlineData("  ", "")]
    [InlineData("[]", "")]
    public void Parse_EitherForm_GivesNetworks(string annotation, string expected)
    {
        IReadOnlyList<NetworkSelection> all = NetworkSelection.Parse(annotation, "pods");
        Assert.Equal(expected, string.Join(' ', all.Select((s, i) => $"{s.Namespace}/{s.Name}@{s.InterfaceAt(i)}")));
    }

    [Theory]
    [InlineData("a/b/c", "item \"a/b/c\" at column 1")]
    [InlineData("ok,a@b@c", "column 4")]
    [InlineData("ok,", "\"\" is not a name")]
    [InlineData("Upper", "lower case")]
    [InlineData("a@interface-name-too-long", "1 to 15")]
    [InlineData("a@x/y", "without blank")]
    [InlineData("{\"name\":\"a\"}", "not a JSON list")]
    [InlineData("[{}]", "element 0 has no name")]
    [InlineData("[null]", "element 0 has no name")]
    [InlineData("[{\"name\":1}]", "not a JSON list")]
    public void Parse_Malformed_NamesTheElement(string annotation, string why)
    {
        FormatException e = Assert.Throws<FormatException>(() => NetworkSelection.Parse(annotation, "pods"));
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TryParse_AnyText_NeverThrows() =>
        Prop.ForAll<string>(text => NetworkSelection.TryParse(text, "ns", out _, out _) || true).QuickCheckThrowOnFailure();

    [Fact]
    public void Format_Selections_ReadBackTheSame()
    {
        string text = NetworkSelection.Format([new() { Name = "a", Namespace = "n", Interface = "net1", Mac = "02:00:00:00:00:01" }]);
        Assert.Equal("""[{"name":"a","namespace":"n","interface":"net1","mac":"02:00:00:00:00:01"}]""", text);
        Assert.Equal("net1", Assert.Single(NetworkSelection.Parse(text, "x")).Interface);
    }

    [Fact]
    public void NetworkStatus_Format_LooksAsTheFieldWritesIt()
    {
        string text = NetworkStatus.Format(
        [
            new() { Name = "cluster", Interface = "eth0", Ips = ["10.42.0.17", "fd01::11"], Mac = "0a:58:0a:2a:00:11", Default = true, Gateway = ["10.42.0.1"] },
            new() { Name = "demo/net", Interface = "net1", Mtu = 1500 },
        ]);
        Assert.Equal(
            """
            [{
                "name": "cluster",
                "interface": "eth0",
                "ips": [
                    "10.42.0.17",
                    "fd01::11"
                ],
                "mac": "0a:58:0a:2a:00:11",
                "default": true,
                "dns": {},
                "gateway": [
                    "10.42.0.1"
                ]
            },{
                "name": "demo/net",
                "interface": "net1",
                "mtu": 1500,
                "dns": {}
            }]
            """,
            text);
        Assert.Equal(["eth0", "net1"], NetworkStatus.Parse(text).Select(s => s.Interface));
    }
}
