using System.Text.Json;
using Musubi.Api;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Node.Sandboxes;

namespace Musubi.Node.Tests.Support;

/// <summary>Objects that many tests start from.</summary>
internal static class Sample
{
    public static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public static readonly NodeOptions Options = new()
    {
        Name = "node1",
        Cluster = "test",
        StateDirectory = "/nowhere/state",
        RuntimeDirectory = "/nowhere/run",
        LauncherPath = "/nowhere/musubi-launcher",
    };

    public static readonly SandboxRecord Sandbox = new()
    {
        Namespace = "default",
        Name = "virt-launcher-vm-a",
        Uid = "0123456789abcdef",
        Netns = "/run/netns/x",
        Cgroup = "test/node1/x",
        Attachments =
        [
            new SandboxAttachment
            {
                IfName = "eth0",
                Network = "musubi-pods",
                FallbackName = "musubi-pods",
                Config = "{}",
                Args = "",
                IsDefault = true,
                Result = """{"cniVersion":"1.1.0","interfaces":[{"name":"cni0"},{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":"/run/netns/x"}],"ips":[{"interface":1,"address":"fd10::5/64"},{"interface":1,"address":"10.244.1.5/24"}]}""",
            },
        ],
    };

    /// <summary>An instance <c>default/vm-a</c> with the members of <c>spec</c>, and of <c>status</c>.</summary>
    public static VirtualMachineInstance Instance(string spec, string status = "{}") => JsonSerializer.Deserialize(
        $$"""{"apiVersion":"kubevirt.io/v1","kind":"VirtualMachineInstance","metadata":{"name":"vm-a","namespace":"default","uid":"11111111-2222-3333-4444-555555555555"},"spec":{{spec}},"status":{{status}}}""",
        ApiJson.Default.VirtualMachineInstance)!;

    /// <summary>A launcher pod with more metadata, and a status.</summary>
    public static Pod Pod(string metadata = "", string status = "{}") => JsonSerializer.Deserialize(
        $$"""{"apiVersion":"v1","kind":"Pod","metadata":{"name":"virt-launcher-vm-a","namespace":"default","uid":"0123456789abcdef"{{metadata}}},"spec":{"containers":[{"name":"compute","image":"launcher:1"}]},"status":{{status}}}""",
        ApiJson.Default.Pod)!;
}
