using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Spec;

/// <summary>Whatever comes in as configuration, a plugin answers with a result or with an error that has a code.</summary>
public sealed class HostileConfigProperties
{
    private static readonly string[] _templates =
    [
        """{"cniVersion":"1.1.0","name":"n","type":"bridge","bridge":"br0","vlan":1,"mtu":1500,"vlanTrunk":[{"minID":1,"maxID":5},{"id":7}],"hairpinMode":true,"ipam":{"type":"host-local","subnet":"10.0.0.0/24"}}""",
        """{"cniVersion":"1.1.0","name":"n","ipam":{"type":"host-local","ranges":[[{"subnet":"10.0.0.0/29","rangeStart":"10.0.0.2","rangeEnd":"10.0.0.5","gateway":"10.0.0.1"}]],"routes":[{"dst":"0.0.0.0/0","gw":"10.0.0.1","mtu":1,"priority":2}]},"runtimeConfig":{"ips":["10.0.0.3"],"mac":"02:00:00:00:00:01"}}""",
        """{"cniVersion":"1.1.0","name":"n","ipam":{"addresses":[{"address":"10.0.0.2/24","gateway":"10.0.0.1"}],"dns":{"nameservers":["1.1.1.1"]}},"args":{"cni":{"ips":["10.0.0.3/24"]}},"cni.dev/valid-attachments":[{"containerID":"a","ifname":"b"}]}""",
        """{"cniVersion":"0.4.0","name":"n","prevResult":{"cniVersion":"0.4.0","interfaces":[{"name":"lo"}],"ips":[{"version":"4","address":"127.0.0.1/8","interface":0}],"dns":{}}}""",
        """{"cniVersion":"1.1.0","name":"n","master":"eth1","mode":"private","vlanId":7,"mtu":1400,"mac":"02:00:00:00:00:01","bcqueuelen":5,"linkInContainer":true,"ipam":{"type":"static","addresses":[{"address":"10.0.0.2/24","gateway":"10.0.0.1"}]}}""",
        """{"cniVersion":"1.0.0","name":"n","ipMasq":true,"ipMasqBackend":"nftables","device":"eth1","hwaddr":"02:00:00:00:00:01","kernelpath":"/sys/devices/x","pciBusID":"0000:00:1f.6","runtimeConfig":{"deviceID":"0000:00:1f.6"},"dns":{"nameservers":["1.1.1.1"]},"ipam":{"type":"host-local","subnet":"10.0.0.0/24"}}""",
        """{"cniVersion":"1.0.0","name":"n","vrfname":"red","table":5,"multiQueue":true,"owner":1,"group":2,"selinuxContext":"x","bridge":"br0","prevResult":{"cniVersion":"1.0.0","interfaces":[{"name":"eth1"}],"ips":[{"address":"10.0.0.5/24"}],"routes":[{"dst":"0.0.0.0/0"}]}}""",
        Chained(""""snat":true,"masqAll":false,"markMasqBit":3,"backend":"nftables","conditionsV4":["!","-s","10.0.0.0/8"],"conditionsV6":["iifname","e"],"runtimeConfig":{"portMappings":[{"hostPort":80,"containerPort":81,"protocol":"udp","hostIP":"192.0.2.1"}]}""""),
        Chained(""""sysctl":{"net.core.somaxconn":"5","net/ipv4/conf/IFNAME/rp_filter":"1"},"mac":"02:00:00:00:00:01","mtu":1400,"promisc":true,"allmulti":false,"txQLen":5,"args":{"cni":{"mtu":1300,"sysctl":{"net.core.somaxconn":"6"}}}""""),
        Chained(""""ingressRate":8000,"ingressBurst":8000,"egressRate":9000,"egressBurst":9000,"unshapedSubnets":["10.0.0.0/8","fd00::/8"]""""),
        Chained(""""backend":"iptables","iptablesAdminChainName":"MINE","ingressPolicy":"same-bridge","cni.dev/valid-attachments":[{"containerID":"a","ifname":"b"}]""""),
    ];

    private static readonly CniCommand[] _commands = [CniCommand.Add, CniCommand.Check, CniCommand.Del, CniCommand.Gc, CniCommand.Status];

    private static readonly Gen<byte[]> _noise = ArbMap.Default.GeneratorFor<byte>().ArrayOf();

    private static readonly Gen<byte[]> _truncated =
        from template in Gen.Elements(_templates)
        from length in Gen.Choose(0, template.Length)
        select Encoding.UTF8.GetBytes(template[..length]);

    /// <summary>One byte of a good configuration is another.</summary>
    private static readonly Gen<byte[]> _spoiled =
        from template in Gen.Elements(_templates)
        from position in Gen.Choose(0, template.Length - 1)
        from value in ArbMap.Default.GeneratorFor<byte>()
        select Encoding.UTF8.GetBytes(template).Select((b, i) => i == position ? value : b).ToArray();

    /// <summary>One value of a good configuration is of another kind or size.</summary>
    private static readonly Gen<byte[]> _misfit =
        from template in Gen.Elements(_templates)
        from value in Gen.Elements("1e999", "-1", "99999999999999999999", "{}", "[]", "[[]]", "[null]", "\"\"", "\"\\ud800\"", "true", "\"0.0.0.0/0\"", "\"::/0\"", "4294967296")
        from pick in Gen.Choose(0, 1000)
        select Encoding.UTF8.GetBytes(Replace(template, value, pick));

    private static string Chained(string keys) =>
        "{\"cniVersion\":\"1.1.0\",\"name\":\"n\"," + keys
        + ",\"prevResult\":{\"cniVersion\":\"1.1.0\",\"interfaces\":[{\"name\":\"br0\"},{\"name\":\"eth0\",\"sandbox\":\"/run/netns/none\"}],\"ips\":[{\"address\":\"10.0.0.2/24\",\"gateway\":\"10.0.0.1\",\"interface\":1}]}}";

    private static string Replace(string template, string value, int pick)
    {
        int[] colons = [.. Enumerable.Range(0, template.Length).Where(i => template[i] == ':' && template[i - 1] == '"')];
        int start = colons[pick % colons.Length] + 1;
        int depth = 0;
        bool text = false;
        int end = start;
        for (; end < template.Length; end++)
        {
            char c = template[end];
            text ^= c == '"';
            if (!text && depth == 0 && c is ',' or '}' or ']')
            {
                break;
            }

            depth += text ? 0 : c is '{' or '[' ? 1 : c is '}' or ']' ? -1 : 0;
        }

        return template[..start] + value + template[end..];
    }

    [Fact]
    public void EveryPlugin_AnyConfiguration_AnswersWithResultOrCode()
    {
        using TestNamespace host = new("fuzz");
        using PluginBench bench = new(host.Network);
        Arbitrary<byte[]> configs = Gen.OneOf(_noise, _truncated, _spoiled, _misfit).ToArbitrary();

        Prop.ForAll(configs, config =>
        {
            foreach (string type in PluginCatalog.Names)
            {
                foreach (CniCommand command in _commands)
                {
                    try
                    {
                        PluginRunner.Run(
                            PluginCatalog.Find(type)!,
                            new CniInvocation { Command = command, ContainerId = "c1", IfName = "eth0", Netns = "/run/netns/none", Path = "/nowhere", Config = config },
                            bench.Environment);
                    }
                    catch (CniException e)
                    {
                        Assert.True(e.Code > 0 && e.Message.Length > 0, $"{type} {command}: {e}");
                    }
                }
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(250));
    }

    [Fact]
    public void NetworkConfigList_AnyDocument_IsReadOrRefusedWithCode() =>
        Prop.ForAll(Gen.OneOf(_noise, _truncated, _spoiled, _misfit).ToArbitrary(), document =>
        {
            try
            {
                NetworkConfigList.Parse(document);
            }
            catch (CniException e)
            {
                Assert.True(e.Code > 0);
            }
        }).QuickCheckThrowOnFailure();
}
