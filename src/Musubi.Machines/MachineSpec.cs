using System.Text.Json.Serialization;

namespace Musubi.Machines;

/// <summary>
/// What a launcher is asked to run: one virtual machine with everything resolved (files instead of image names, pod interfaces
/// instead of network names). The node agent writes it, the launcher reads it once, as <c>machine.json</c>.
/// </summary>
public sealed record MachineSpec
{
    /// <summary>KubeVirt's user for QEMU.</summary>
    public const int DefaultQemuUid = 107;

    /// <summary>Name of the VirtualMachineInstance.</summary>
    public required string Name { get; set; }

    /// <summary>Its namespace.</summary>
    public required string Namespace { get; set; }

    /// <summary>Its UID.</summary>
    public required string Uid { get; set; }

    /// <summary>Host name offered to the guest by DHCP and cloud-init.</summary>
    public required string Hostname { get; set; }

    /// <summary>Subdomain of the guest's full name; null for none.</summary>
    public string? Subdomain { get; set; }

    /// <summary>Guest memory in bytes.</summary>
    public required long MemoryBytes { get; set; }

    /// <summary>Processors.</summary>
    public CpuTopology Cpus { get; set; } = new();

    /// <summary>CPU model: <c>host-model</c>, <c>host-passthrough</c> or a QEMU model name.</summary>
    /// <value>The default is <c>host-model</c>.</value>
    public string CpuModel { get; set; } = "host-model";

    /// <summary>QEMU machine type.</summary>
    /// <value>The default is <c>q35</c>.</value>
    public string MachineType { get; set; } = "q35";

    /// <summary>System UUID seen by the guest's firmware; also cloud-init's instance id.</summary>
    public required string FirmwareUuid { get; set; }

    /// <summary>System serial number seen by the guest's firmware; null for none.</summary>
    public string? Serial { get; set; }

    /// <summary>Boot this kernel instead of a disk; null to boot from disk.</summary>
    public KernelBoot? KernelBoot { get; set; }

    /// <summary>Disks in the order the guest sees them.</summary>
    public IReadOnlyList<MachineDisk> Disks { get; set; } = [];

    /// <summary>Network interfaces in the order the guest sees them.</summary>
    public IReadOnlyList<MachineInterface> Interfaces { get; set; } = [];

    /// <summary>Give virtio interfaces a queue for every processor.</summary>
    public bool Multiqueue { get; set; }

    /// <summary>Drop what arrives on ports 49152 and 49153 instead of passing it to the guest.</summary>
    /// <value>The default is true.</value>
    public bool ReservedMigrationPorts { get; set; } = true;

    /// <summary>Name resolution offered to the guest.</summary>
    public MachineDns Dns { get; set; } = new();

    /// <summary>How long a guest may take to shut down by itself, in seconds.</summary>
    /// <value>The default is 30 seconds.</value>
    public int TerminationGraceSeconds { get; set; } = 30;

    /// <summary><c>auto</c> probes KVM and falls back; <c>kvm</c> insists; <c>tcg</c> never tries.</summary>
    /// <value>The default is <c>auto</c>.</value>
    public string Acceleration { get; set; } = "auto";

    /// <summary>Why <see cref="Acceleration"/> is what it is, when the agent found out; null when the user said so.</summary>
    public string? AccelerationReason { get; set; }

    /// <summary>User that QEMU runs as.</summary>
    /// <value>The default is 107, KubeVirt's.</value>
    public int QemuUid { get; set; } = DefaultQemuUid;

    /// <summary>Group that QEMU runs as.</summary>
    /// <value>The default is 107.</value>
    public int QemuGid { get; set; } = DefaultQemuUid;
}

/// <summary>Processors of a guest.</summary>
public sealed record CpuTopology
{
    /// <summary>Sockets.</summary>
    public int Sockets { get; set; } = 1;

    /// <summary>Cores of a socket.</summary>
    public int Cores { get; set; } = 1;

    /// <summary>Threads of a core.</summary>
    public int Threads { get; set; } = 1;

    /// <summary>Processors in all.</summary>
    [JsonIgnore]
    public int Count => Sockets * Cores * Threads;
}

/// <summary>A kernel booted directly.</summary>
/// <param name="Kernel">Kernel file.</param>
/// <param name="Initrd">Initial RAM disk file; null for none.</param>
/// <param name="Arguments">Kernel command line.</param>
public sealed record KernelBoot(string Kernel, string? Initrd, string Arguments);

/// <summary>A disk of a guest.</summary>
public sealed record MachineDisk
{
    /// <summary>Volume name.</summary>
    public required string Name { get; set; }

    /// <summary>How the guest sees it: <c>disk</c>, <c>cdrom</c> or <c>lun</c>.</summary>
    public string Device { get; set; } = "disk";

    /// <summary><c>virtio</c>, <c>sata</c>, <c>scsi</c> or <c>usb</c>.</summary>
    public string Bus { get; set; } = "virtio";

    /// <summary>Image file; null for a disk the launcher makes itself (<see cref="CloudInit"/>, <see cref="CapacityBytes"/>).</summary>
    public string? File { get; set; }

    /// <summary><c>raw</c> or <c>qcow2</c>.</summary>
    public string Format { get; set; } = "raw";

    /// <summary>The guest may not write.</summary>
    public bool ReadOnly { get; set; }

    /// <summary>Writes go to a scratch layer that is gone with the machine; the file itself is shared with other machines.</summary>
    public bool Ephemeral { get; set; }

    /// <summary>Boot order, 1 first; null for no say.</summary>
    public int? BootOrder { get; set; }

    /// <summary>Serial number seen by the guest; null for none.</summary>
    public string? Serial { get; set; }

    /// <summary>Contents of cloud-init media that the launcher makes.</summary>
    public CloudInitMedia? CloudInit { get; set; }

    /// <summary>Size of an empty disk that the launcher makes, in bytes.</summary>
    public long? CapacityBytes { get; set; }
}

/// <summary>Contents of cloud-init NoCloud media.</summary>
/// <param name="MetaData">File <c>meta-data</c>.</param>
/// <param name="UserData">File <c>user-data</c>; null for none.</param>
/// <param name="NetworkConfig">File <c>network-config</c>; null for none.</param>
public sealed record CloudInitMedia(string MetaData, string? UserData, string? NetworkConfig);

/// <summary>A network interface of a guest.</summary>
public sealed record MachineInterface
{
    /// <summary>Name in the VirtualMachineInstance.</summary>
    public required string Name { get; set; }

    /// <summary><c>masquerade</c> or <c>bridge</c>.</summary>
    public required string Binding { get; set; }

    /// <summary>Interface of the pod's namespace that it is bound to.</summary>
    public required string PodInterface { get; set; }

    /// <summary>Device model: <c>virtio</c>, <c>e1000e</c>, ….</summary>
    /// <value>The default is <c>virtio</c>.</value>
    public string Model { get; set; } = "virtio";

    /// <summary>The guest's hardware address; null takes the pod interface's.</summary>
    public string? Mac { get; set; }

    /// <summary>Ports let in; empty lets every port in.</summary>
    public IReadOnlyList<MachinePort> Ports { get; set; } = [];

    /// <summary>The network between pod and guest (masquerade).</summary>
    /// <value>The default is 10.0.2.0/24.</value>
    public string VmNetworkCidr { get; set; } = "10.0.2.0/24";

    /// <summary>The IPv6 network between pod and guest (masquerade).</summary>
    /// <value>The default is fd10:0:2::/120.</value>
    public string VmIPv6NetworkCidr { get; set; } = "fd10:0:2::/120";

    /// <summary>Boot order, 1 first; null for no network boot.</summary>
    public int? BootOrder { get; set; }

    /// <summary>ACPI index, which gives the guest a stable name; null for none.</summary>
    public int? AcpiIndex { get; set; }

    /// <summary>PCI address in the guest; null for any.</summary>
    public string? PciAddress { get; set; }

    /// <summary><c>up</c> or <c>down</c>.</summary>
    public string LinkState { get; set; } = "up";

    /// <summary>More DHCP options for the guest.</summary>
    public MachineDhcpOptions Dhcp { get; set; } = new();
}

/// <summary>A port let in to a guest.</summary>
/// <param name="Protocol"><c>TCP</c> or <c>UDP</c>.</param>
/// <param name="Port">1 to 65535.</param>
public sealed record MachinePort(string Protocol, int Port);

/// <summary>DHCP options beyond the ones every guest gets.</summary>
public sealed record MachineDhcpOptions
{
    /// <summary>Option 67.</summary>
    public string? BootFileName { get; set; }

    /// <summary>Option 66.</summary>
    public string? TftpServerName { get; set; }

    /// <summary>Option 42, IPv4 addresses.</summary>
    public IReadOnlyList<string> NtpServers { get; set; } = [];

    /// <summary>Options 224 to 254, by number.</summary>
    public IReadOnlyDictionary<int, string> PrivateOptions { get; set; } = new Dictionary<int, string>();
}

/// <summary>Name resolution offered to a guest.</summary>
public sealed record MachineDns
{
    /// <summary>Servers, most wanted first.</summary>
    public IReadOnlyList<string> Nameservers { get; set; } = [];

    /// <summary>Search list.</summary>
    public IReadOnlyList<string> Searches { get; set; } = [];
}
