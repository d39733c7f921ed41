using Musubi.Launcher.Dhcp;
using Musubi.Launcher.GuestAgent;
using Musubi.Launcher.Qemu;

namespace Musubi.Launcher.Network;

/// <summary>A guest interface that has been bound to its pod interface.</summary>
/// <param name="Attached">For the status.</param>
/// <param name="Nic">For QEMU.</param>
/// <param name="Tap">The guest's end.</param>
/// <param name="Bridge">The bridge between pod and guest.</param>
/// <param name="Lease">What DHCP tells the guest; null where the network has its own DHCP or none.</param>
internal sealed record Binding(AttachedInterface Attached, QemuNic Nic, GuestTap Tap, string Bridge, DhcpLease? Lease);
