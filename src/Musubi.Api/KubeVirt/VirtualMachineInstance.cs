using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Musubi.Api.Core;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.KubeVirt;

/// <summary>A running virtual machine.</summary>
public sealed record VirtualMachineInstance : KubeObject, IKubeObject<VirtualMachineInstance>
{
    /// <inheritdoc/>
    public static ResourceType Resource { get; } = new("kubevirt.io", "v1", "virtualmachineinstances", "VirtualMachineInstance");

    /// <inheritdoc/>
    public static JsonTypeInfo<VirtualMachineInstance> JsonType => ApiJson.Default.VirtualMachineInstance;

    /// <summary>Wanted state.</summary>
    public VirtualMachineInstanceSpec? Spec { get; set; }

    /// <summary>Observed state.</summary>
    public VirtualMachineInstanceStatus? Status { get; set; }
}

/// <summary>Wanted state of an instance; cannot be changed once it is there.</summary>
public sealed record VirtualMachineInstanceSpec : KubePart
{
    /// <summary>The virtual hardware.</summary>
    public Domain? Domain { get; set; }

    /// <summary>Networks its interfaces connect to.</summary>
    public List<Network>? Networks { get; set; }

    /// <summary>Volumes its disks show.</summary>
    public List<Volume>? Volumes { get; set; }

    /// <summary>Labels the node must have.</summary>
    public Dictionary<string, string>? NodeSelector { get; set; }

    /// <summary>Further wishes for the node.</summary>
    public Affinity? Affinity { get; set; }

    /// <summary>Taints it puts up with.</summary>
    public List<Toleration>? Tolerations { get; set; }

    /// <summary>Who chooses the node.</summary>
    public string? SchedulerName { get; set; }

    /// <summary>Importance.</summary>
    public string? PriorityClassName { get; set; }

    /// <summary>What a drain does.</summary>
    public string? EvictionStrategy { get; set; }

    /// <summary>Time for an orderly shutdown.</summary>
    public long? TerminationGracePeriodSeconds { get; set; }

    /// <summary>Host name of the guest.</summary>
    public string? Hostname { get; set; }

    /// <summary>Domain of the guest below the cluster's.</summary>
    public string? Subdomain { get; set; }

    /// <summary>Where the guest's resolvers come from.</summary>
    public string? DnsPolicy { get; set; }

    /// <summary>Additions to the guest's resolvers.</summary>
    public PodDnsConfig? DnsConfig { get; set; }

    /// <summary><c>Paused</c>: wait for unpause.</summary>
    public string? StartStrategy { get; set; }

    /// <summary>amd64 or arm64.</summary>
    public string? Architecture { get; set; }
}

/// <summary>The virtual hardware.</summary>
public sealed record Domain : KubePart
{
    /// <summary>Processors.</summary>
    public Cpu? Cpu { get; set; }

    /// <summary>Memory.</summary>
    public GuestMemory? Memory { get; set; }

    /// <summary>What the pod asks for.</summary>
    public ResourceRequirements? Resources { get; set; }

    /// <summary>Machine type.</summary>
    public Machine? Machine { get; set; }

    /// <summary>Firmware, identity and kernel boot.</summary>
    public Firmware? Firmware { get; set; }

    /// <summary>Disks, interfaces and the rest.</summary>
    public Devices? Devices { get; set; }
}

/// <summary>Processors.</summary>
public sealed record Cpu : KubePart
{
    /// <summary>Cores per socket.</summary>
    public int? Cores { get; set; }

    /// <summary>Sockets.</summary>
    public int? Sockets { get; set; }

    /// <summary>Threads per core.</summary>
    public int? Threads { get; set; }

    /// <summary>Sockets that may be added while running.</summary>
    public int? MaxSockets { get; set; }

    /// <summary>Model, host-model or host-passthrough.</summary>
    public string? Model { get; set; }
}

/// <summary>Memory.</summary>
public sealed record GuestMemory : KubePart
{
    /// <summary>What the guest sees.</summary>
    public Quantity? Guest { get; set; }

    /// <summary>What it may grow to.</summary>
    public Quantity? MaxGuest { get; set; }

    /// <summary>Backed by huge pages.</summary>
    public Hugepages? Hugepages { get; set; }
}

/// <summary>Backed by huge pages.</summary>
public sealed record Hugepages : KubePart
{
    /// <summary>Size of a page.</summary>
    public string? PageSize { get; set; }
}

/// <summary>Machine type.</summary>
public sealed record Machine : KubePart
{
    /// <summary>q35 or another.</summary>
    public string? Type { get; set; }
}

/// <summary>Firmware.</summary>
public sealed record Firmware : KubePart
{
    /// <summary>Identity the guest sees.</summary>
    public string? Uuid { get; set; }

    /// <summary>Serial number the guest sees.</summary>
    public string? Serial { get; set; }

    /// <summary>BIOS or EFI, as written.</summary>
    public JsonElement? Bootloader { get; set; }

    /// <summary>Boots a kernel directly.</summary>
    public KernelBoot? KernelBoot { get; set; }
}

/// <summary>Boots a kernel directly.</summary>
public sealed record KernelBoot : KubePart
{
    /// <summary>Kernel command line.</summary>
    public string? KernelArgs { get; set; }

    /// <summary>Image that holds kernel and initrd.</summary>
    public KernelBootContainer? Container { get; set; }
}

/// <summary>Image that holds kernel and initrd.</summary>
public sealed record KernelBootContainer : KubePart
{
    /// <summary>Image name.</summary>
    public string? Image { get; set; }

    /// <summary>Secret for its registry.</summary>
    public string? ImagePullSecret { get; set; }

    /// <summary>Always, IfNotPresent or Never.</summary>
    public string? ImagePullPolicy { get; set; }

    /// <summary>Kernel file in the image.</summary>
    public string? KernelPath { get; set; }

    /// <summary>Initrd file in the image.</summary>
    public string? InitrdPath { get; set; }
}

/// <summary>Disks, interfaces and the rest.</summary>
public sealed record Devices : KubePart
{
    /// <summary>Disks.</summary>
    public List<Disk>? Disks { get; set; }

    /// <summary>Network interfaces.</summary>
    public List<Interface>? Interfaces { get; set; }

    /// <summary>False: no interface unless one is listed.</summary>
    public bool? AutoattachPodInterface { get; set; }

    /// <summary>False: no serial console.</summary>
    public bool? AutoattachSerialConsole { get; set; }

    /// <summary>False: no display.</summary>
    public bool? AutoattachGraphicsDevice { get; set; }

    /// <summary>As many queues as processors.</summary>
    public bool? NetworkInterfaceMultiqueue { get; set; }

    /// <summary>As many queues as processors.</summary>
    public bool? BlockMultiQueue { get; set; }

    /// <summary>Random numbers from the host.</summary>
    public JsonElement? Rng { get; set; }
}

/// <summary>A disk; shows the volume of the same name.</summary>
public sealed record Disk : KubePart
{
    /// <summary>Name of the volume.</summary>
    public string Name { get; set; } = "";

    /// <summary>A hard disk.</summary>
    [JsonPropertyName("disk")]
    public DiskTarget? HardDisk { get; set; }

    /// <summary>A SCSI unit passed through.</summary>
    public DiskTarget? Lun { get; set; }

    /// <summary>A CD drive.</summary>
    public DiskTarget? Cdrom { get; set; }

    /// <summary>Position in the boot order, from 1.</summary>
    public int? BootOrder { get; set; }

    /// <summary>Serial number.</summary>
    public string? Serial { get; set; }

    /// <summary>none, writethrough or writeback.</summary>
    public string? Cache { get; set; }
}

/// <summary>How the guest sees a disk.</summary>
public sealed record DiskTarget : KubePart
{
    /// <summary>virtio, sata, scsi or usb.</summary>
    public string? Bus { get; set; }

    /// <summary>No writes.</summary>
    public bool? Readonly { get; set; }

    /// <summary>Address in the guest.</summary>
    public string? PciAddress { get; set; }
}

/// <summary>Content for a disk; exactly one source is set.</summary>
public sealed record Volume : KubePart
{
    /// <summary>Name.</summary>
    public string Name { get; set; } = "";

    /// <summary>A disk image from an image.</summary>
    public ContainerDisk? ContainerDisk { get; set; }

    /// <summary>Cloud-init data on a disk labelled cidata.</summary>
    public CloudInit? CloudInitNoCloud { get; set; }

    /// <summary>Cloud-init data on a disk labelled config-2.</summary>
    public CloudInit? CloudInitConfigDrive { get; set; }

    /// <summary>Empty, lives as long as the instance.</summary>
    public EmptyDisk? EmptyDisk { get; set; }
}

/// <summary>A disk image from an image.</summary>
public sealed record ContainerDisk : KubePart
{
    /// <summary>Image name.</summary>
    public string? Image { get; set; }

    /// <summary>File in the image.</summary>
    public string? Path { get; set; }

    /// <summary>Always, IfNotPresent or Never.</summary>
    public string? ImagePullPolicy { get; set; }
}

/// <summary>Data that cloud-init reads in the guest.</summary>
public sealed record CloudInit : KubePart
{
    /// <summary>User data.</summary>
    public string? UserData { get; set; }

    /// <summary>The same in base64.</summary>
    public string? UserDataBase64 { get; set; }

    /// <summary>The same in a Secret.</summary>
    public LocalObjectReference? SecretRef { get; set; }

    /// <summary>Network data.</summary>
    public string? NetworkData { get; set; }

    /// <summary>The same in base64.</summary>
    public string? NetworkDataBase64 { get; set; }

    /// <summary>The same in a Secret.</summary>
    public LocalObjectReference? NetworkDataSecretRef { get; set; }
}

/// <summary>Names an object in the same namespace.</summary>
public sealed record LocalObjectReference : KubePart
{
    /// <summary>Name.</summary>
    public string? Name { get; set; }
}

/// <summary>An empty disk.</summary>
public sealed record EmptyDisk : KubePart
{
    /// <summary>Size.</summary>
    public Quantity? Capacity { get; set; }
}
