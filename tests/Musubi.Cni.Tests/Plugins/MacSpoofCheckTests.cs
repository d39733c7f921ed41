using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Plugins;

/// <summary>The spoof check's rules, where the kernel has the bridge family's interface names.</summary>
[NeedsKernel("nft_meta_bridge")]
public sealed class MacSpoofCheckTests : IDisposable
{
    private readonly TestNamespace _host = new("host");
    private readonly TestNamespace _pod = new("pod");
    private readonly PluginBench _bench;

    public MacSpoofCheckTests() => _bench = new PluginBench(_host.Network);

    public void Dispose()
    {
        _bench.Dispose();
        _pod.Dispose();
        _host.Dispose();
    }

    private static string Config(string name, string more = "") => $$"""{"cniVersion":"1.1.0","name":"{{name}}","type":"bridge","bridge":"br7","macspoofchk":true{{more}}}""";

    private int RuleCount(string reference) => _host.Rules().Count(r => r.TryGetProperty("comment", out var comment) && comment.GetString() == $"macspoofchk-{reference}");

    [Fact]
    public void Gc_RemovesChainsOfThisNetworksLostAttachmentsOnly()
    {
        _bench.Add("bridge", Config("net"), "gone", _pod.Path, "eth0");
        _bench.Add("bridge", Config("net"), "keep", _pod.Path, "eth1");
        _bench.Add("bridge", Config("net2"), "other", _pod.Path, "eth2");
        _host.Run("nft add chain bridge nat cni-br-iface-foreign-eth0");
        _host.Run("nft add rule bridge nat cni-br-iface-foreign-eth0 drop comment \"macspoofchk-foreign-eth0\"");

        _bench.Run(CniCommand.Gc, "bridge", Config("net", ",\"cni.dev/valid-attachments\":[{\"containerID\":\"keep\",\"ifname\":\"eth1\"}]"));

        Assert.Equal((0, 4, 4, 1), (RuleCount("gone-eth0"), RuleCount("keep-eth1"), RuleCount("other-eth2"), RuleCount("foreign-eth0")));
        string left = _host.Run("nft list table bridge nat");
        Assert.DoesNotContain("cni-br-iface-gone-eth0", left, StringComparison.Ordinal);
        Assert.Contains("cni-br-iface-keep-eth1-mac", left, StringComparison.Ordinal);
    }

    [Fact]
    public void Gc_NothingMade_ChangesNothing()
    {
        _bench.Run(CniCommand.Gc, "bridge", Config("net", ",\"cni.dev/valid-attachments\":[]"));

        Assert.Empty(_host.Rules());
    }
}
