using Musubi.Launcher.Network;

namespace Musubi.Launcher.Tests.Network;

public sealed class NamesAndPlansTests
{
    [Theory]
    [InlineData("eth0", "k6t-eth0", "tap0", "eth0-nic")]
    [InlineData("net1", "k6t-net1", "tap1", "net1-nic")]
    [InlineData("pod17d5a8f04ff", "k6t-17d5a8f04ff", "tap17d5a8f04ff", "17d5a8f04ff-nic")]
    [InlineData("blue", "k6t-blue", "tapblue", "blue-nic")]
    public void Names_AreTheOnesUsersKnow(string pod, string bridge, string tap, string nic)
    {
        BindingNames names = new(pod);

        Assert.Equal((bridge, tap, nic), (names.Bridge, names.Tap, names.Nic));
        Assert.All([bridge, tap, nic], n => Assert.True(n.Length <= 15));
    }

    [Theory]
    [InlineData("10.0.2.0/24", false, "10.0.2.1/24", "10.0.2.2/24")]
    [InlineData("192.168.7.9/30", false, "192.168.7.9/30", "192.168.7.10/30")]
    [InlineData("fd10:0:2::2/120", true, "fd10:0:2::1/120", "fd10:0:2::2/120")]
    public void Plan_FirstIsGateway_SecondIsGuest(string text, bool ipv6, string gateway, string guest)
    {
        GuestNetworkPlan plan = GuestNetworkPlan.Of(text, "vmNetworkCIDR", ipv6);

        Assert.Equal((gateway, guest), (plan.Gateway.ToString(), plan.Guest.ToString()));
    }

    [Theory]
    [InlineData("10.0.2.0/31", false, "vmNetworkCIDR \"10.0.2.0/31\" has no room for a gateway and a guest: the prefix can be at most /30")]
    [InlineData("fd00::/127", true, "vmNetworkCIDR \"fd00::/127\" has no room for a gateway and a guest: the prefix can be at most /126")]
    [InlineData("fd00::/64", false, "vmNetworkCIDR \"fd00::/64\" is not an IPv4 network")]
    [InlineData("10.0.2.0", true, "vmNetworkCIDR \"10.0.2.0\" is not an IPv6 network")]
    public void Plan_Unusable_NamesTheField(string text, bool ipv6, string message) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => GuestNetworkPlan.Of(text, "vmNetworkCIDR", ipv6)).Message);
}
