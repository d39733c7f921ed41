using Musubi.Cni.Ipam.Dhcp;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;

namespace Musubi.Cni.Tests.Conformance;

/// <summary>Which routes a DHCP server's options make.</summary>
public sealed class LeaseRouteTests
{
    private static readonly KeyValuePair<DhcpOption, byte[]> _router = new(DhcpOption.Router, [10, 0, 0, 1, 10, 0, 0, 2]);

    private static CniResult Result(int priority, params KeyValuePair<DhcpOption, byte[]>[] options)
    {
        LeaseTerms? terms = LeaseTerms.Read(
            new DhcpMessage
            {
                Type = DhcpMessageType.Ack,
                IsReply = true,
                TransactionId = 1,
                ClientMac = MacAddress.Parse("02:00:00:00:00:01"),
                YourAddress = IpText.ParseAddress("10.0.0.5"),
                Options = [new(DhcpOption.ServerId, [10, 0, 0, 1]), new(DhcpOption.SubnetMask, [255, 255, 255, 0]), .. options],
            },
            out string problem);
        Assert.Equal("", problem);
        return terms!.ToResult(priority);
    }

    [Fact]
    public void Router_First_IsGatewayAndDefaultRoute()
    {
        CniResult result = Result(0, _router);

        Assert.Equal("10.0.0.5/24 10.0.0.1", $"{result.Addresses[0].Address} {result.Addresses[0].Gateway}");
        Assert.Equal("0.0.0.0/0 10.0.0.1", Text(Assert.Single(result.Routes)));
    }

    [Fact]
    public void ClassfulRoutes_GoWithTheDefaultRoute() => Assert.Equal(
        ["10.0.0.0/8 10.0.0.9", "192.168.7.0/24 10.0.0.9", "0.0.0.0/0 10.0.0.1"],
        Result(0, new(DhcpOption.StaticRoutes, [10, 0, 0, 0, 10, 0, 0, 9, 192, 168, 7, 0, 10, 0, 0, 9]), _router).Routes.Select(Text));

    [Fact]
    public void ClasslessRoutes_TakeThePlaceOfBoth() => Assert.Equal(
        ["10.9.0.0/16 10.0.0.9"],
        Result(0, new(DhcpOption.StaticRoutes, [10, 0, 0, 0, 10, 0, 0, 9]), _router, new(DhcpOption.ClasslessRoutes, [16, 10, 9, 10, 0, 0, 9])).Routes.Select(Text));

    [Fact]
    public void ClasslessRoute_ByNoRouter_IsOnTheLink() => Assert.Equal(253, Assert.Single(Result(0, new KeyValuePair<DhcpOption, byte[]>(DhcpOption.ClasslessRoutes, [16, 10, 9, 0, 0, 0, 0])).Routes).Scope);

    [Fact]
    public void Priority_IsEveryRoutesMetric() => Assert.Equal(70, Assert.Single(Result(70, _router).Routes).Priority);

    private static string Text(CniRoute route) => $"{route.Destination} {route.Gateway}";
}
