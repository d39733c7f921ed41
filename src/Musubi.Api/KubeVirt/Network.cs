using Musubi.Kubernetes.Objects;

namespace Musubi.Api.KubeVirt;

/// <summary>A network interface of the guest.</summary>
public sealed record Interface : KubePart
{
    /// <summary>Name of the network it connects to.</summary>
    public string Name { get; set; } = "";

    /// <summary>Device the guest sees; virtio by default.</summary>
    public string? Model { get; set; }

    /// <summary>Binding: one layer-2 segment with the pod's interface.</summary>
    public InterfaceBinding? Bridge { get; set; }

    /// <summary>Binding: own address behind the pod's (NAT).</summary>
    public InterfaceBinding? Masquerade { get; set; }

    /// <summary>Binding: a virtual function passed through.</summary>
    public InterfaceBinding? Sriov { get; set; }

    /// <summary>Binding: user-mode sockets.</summary>
    public InterfaceBinding? PasstBinding { get; set; }

    /// <summary>Binding by a registered plugin.</summary>
    public PluginBinding? Binding { get; set; }

    /// <summary>Masquerade: the only ports let in.</summary>
    public List<InterfacePort>? Ports { get; set; }

    /// <summary>MAC the guest sees.</summary>
    public string? MacAddress { get; set; }

    /// <summary>Position in the boot order, from 1.</summary>
    public int? BootOrder { get; set; }

    /// <summary>Address in the guest.</summary>
    public string? PciAddress { get; set; }

    /// <summary>Gives the name enoN in the guest.</summary>
    public int? AcpiIndex { get; set; }

    /// <summary>For config drive metadata.</summary>
    public string? Tag { get; set; }

    /// <summary>What the guest's DHCP answer holds beside addresses.</summary>
    public DhcpOptions? DhcpOptions { get; set; }

    /// <summary>up, down or absent.</summary>
    public string? State { get; set; }
}

/// <summary>A binding without options.</summary>
public sealed record InterfaceBinding : KubePart;

/// <summary>A binding by plugin.</summary>
public sealed record PluginBinding : KubePart
{
    /// <summary>Name of the plugin.</summary>
    public string? Name { get; set; }
}

/// <summary>A port let in.</summary>
public sealed record InterfacePort : KubePart
{
    /// <summary>Name.</summary>
    public string? Name { get; set; }

    /// <summary>TCP (default) or UDP.</summary>
    public string? Protocol { get; set; }

    /// <summary>Number.</summary>
    public int Port { get; set; }
}

/// <summary>What the guest's DHCP answer holds beside addresses.</summary>
public sealed record DhcpOptions : KubePart
{
    /// <summary>Option 67.</summary>
    public string? BootFileName { get; set; }

    /// <summary>Option 66.</summary>
    public string? TftpServerName { get; set; }

    /// <summary>Option 42.</summary>
    public List<string>? NtpServers { get; set; }

    /// <summary>Options 224 to 254.</summary>
    public List<DhcpPrivateOption>? PrivateOptions { get; set; }
}

/// <summary>An option of one's own.</summary>
public sealed record DhcpPrivateOption : KubePart
{
    /// <summary>Number.</summary>
    public int Option { get; set; }

    /// <summary>Value.</summary>
    public string? Value { get; set; }
}

/// <summary>What an interface connects to; exactly one source is set.</summary>
public sealed record Network : KubePart
{
    /// <summary>Name.</summary>
    public string Name { get; set; } = "";

    /// <summary>The cluster's network.</summary>
    public PodNetwork? Pod { get; set; }

    /// <summary>A network attachment definition.</summary>
    public MultusNetwork? Multus { get; set; }
}

/// <summary>The cluster's network.</summary>
public sealed record PodNetwork : KubePart
{
    /// <summary>Masquerade: the guest's IPv4 network; 10.0.2.0/24 by default.</summary>
    public string? VmNetworkCIDR { get; set; }

    /// <summary>Masquerade: the guest's IPv6 network; fd10:0:2::/120 by default.</summary>
    public string? VmIPv6NetworkCIDR { get; set; }
}

/// <summary>A network attachment definition.</summary>
public sealed record MultusNetwork : KubePart
{
    /// <summary>Its name, with or without namespace.</summary>
    public string? NetworkName { get; set; }

    /// <summary>Takes the place of the cluster's network.</summary>
    public bool? Default { get; set; }
}
