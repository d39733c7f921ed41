using System.Text;
using Musubi.Api.Cni;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Namespaces;
using Musubi.Node.Sandboxes;

namespace Musubi.Node.Attachments;

/// <summary>Attaches sandboxes to networks through the CNI engine, in this process where the plugin is ours.</summary>
internal sealed class PodAttacher
{
    private readonly CniEngine _engine;

    public PodAttacher(NodeOptions options, NetworkNamespace node)
    {
        PluginEnvironment environment = new(new DelegateRunner(ownExecutable: null, preferOwn: true), node, TextWriter.Null)
        {
            StateDirectory = options.CniDirectory,
        };
        _engine = new CniEngine(
            new CniEngineOptions
            {
                CacheDirectory = Path.Combine(options.CniDirectory, "results"),
                PluginPath = Path.Combine(options.CniDirectory, "bin"),
            },
            environment);
    }

    /// <summary>Attaches one network.</summary>
    /// <returns>The attachment with its result.</returns>
    public SandboxAttachment Attach(SandboxRecord sandbox, SandboxAttachment attachment)
    {
        CniResult result = _engine.Add(ConfigOf(attachment), RequestOf(sandbox, attachment));
        return attachment with { Result = Encoding.UTF8.GetString(CniResultJson.Write(result, CniVersion.V110, indented: false)) };
    }

    /// <summary>Detaches one network; nothing there to detach is no error.</summary>
    public void Detach(SandboxRecord sandbox, SandboxAttachment attachment) => _engine.Del(ConfigOf(attachment), RequestOf(sandbox, attachment));

    /// <summary>What a result says for the network-status annotation.</summary>
    public static NetworkStatus StatusOf(SandboxAttachment attachment)
    {
        CniResult result = ResultOf(attachment);
        int index = result.Interfaces.ToList().FindIndex(i => i.Name == attachment.IfName && !string.IsNullOrEmpty(i.Sandbox));
        return new NetworkStatus
        {
            Name = attachment.Network,
            Interface = attachment.IfName,
            Ips = [.. result.Addresses.Where(a => a.Interface is null || a.Interface == index).Select(a => IpText.Format(a.Address.Address))],
            Mac = index < 0 ? null : result.Interfaces[index].Mac,
            Default = attachment.IsDefault ? true : null,
            Dns = new NetworkStatusDns(),
            Gateway = [.. result.Routes.Where(r => r.IsDefault && r.Gateway is not null).Select(r => IpText.Format(r.Gateway!))],
        };
    }

    /// <summary>Addresses of a sandbox on the cluster's network, IPv4 first.</summary>
    public static IReadOnlyList<string> AddressesOf(SandboxRecord sandbox) =>
        sandbox.Attachments.FirstOrDefault(a => a.IsDefault) is { Result: not null } attachment
            ? [.. ResultOf(attachment).Addresses.OrderBy(a => a.Address.IsIPv6).Select(a => IpText.Format(a.Address.Address))]
            : [];

    private static CniResult ResultOf(SandboxAttachment attachment) =>
        CniResultJson.Read(ConfigObject.Parse(Encoding.UTF8.GetBytes(attachment.Result!)), CniVersion.V110);

    private static NetworkConfigList ConfigOf(SandboxAttachment attachment) =>
        NetworkConfigList.Parse(Encoding.UTF8.GetBytes(attachment.Config), attachment.FallbackName);

    private static CniAttachment RequestOf(SandboxRecord sandbox, SandboxAttachment attachment) =>
        new(sandbox.Uid, sandbox.Netns, attachment.IfName) { Args = attachment.Args, CapabilityArgs = attachment.CapabilityArgs };
}
