using System.Net;
using System.Net.Sockets;
using Musubi.Linux.Addresses;
using Musubi.Machines;

namespace Musubi.Launcher.GuestAgent;

/// <summary>An interface of the machine as the launcher set it up.</summary>
/// <param name="Spec">What was asked for.</param>
/// <param name="Mac">The guest's address.</param>
/// <param name="PodAddresses">Global addresses of the pod interface, IPv4 first; empty for a layer-2 network.</param>
/// <param name="Queues">Queues of the tap.</param>
internal sealed record AttachedInterface(MachineInterface Spec, MacAddress Mac, IReadOnlyList<IPAddress> PodAddresses, int Queues);

/// <summary>
/// Puts together what the set-up knows and what the guest agent says, per interface: pod addresses first (they are how a
/// machine behind NAT is reached), the guest's own for what the pod does not know, and at most ten interfaces only the guest knows.
/// </summary>
internal static class InterfaceStatusMerge
{
    private const int MostGuestOnly = 10;

    public static IReadOnlyList<MachineInterfaceStatus> Merge(IReadOnlyList<AttachedInterface> attached, IReadOnlyList<GuestInterface>? guest)
    {
        List<MachineInterfaceStatus> merged = [];
        HashSet<GuestInterface> matched = [];
        foreach (AttachedInterface item in attached)
        {
            string mac = item.Mac.ToString();
            GuestInterface? inside = guest?.FirstOrDefault(g => g.Mac == mac && !matched.Contains(g));
            if (inside is not null)
            {
                matched.Add(inside);
            }

            merged.Add(new MachineInterfaceStatus
            {
                Name = item.Spec.Name,
                Mac = mac,
                PodInterfaceName = item.Spec.PodInterface,
                InterfaceName = inside?.Name,
                IpAddresses = Addresses(item, inside),
                InfoSource = inside is null ? "domain" : "domain, guest-agent",
                QueueCount = item.Queues,
                LinkState = item.Spec.LinkState == "down" ? "down" : "up",
            });
        }

        foreach (GuestInterface only in (guest ?? []).Where(g => !matched.Contains(g)).Take(MostGuestOnly))
        {
            merged.Add(new MachineInterfaceStatus
            {
                Mac = only.Mac,
                InterfaceName = only.Name,
                IpAddresses = Sorted(only.Addresses),
                InfoSource = "guest-agent",
            });
        }

        return merged;
    }

    private static IReadOnlyList<string> Addresses(AttachedInterface item, GuestInterface? inside)
    {
        bool masquerade = item.Spec.Binding == "masquerade";
        IEnumerable<string> pod = item.PodAddresses
            .Where(a => masquerade || a.AddressFamily == AddressFamily.InterNetwork)
            .Select(IpText.Format);
        if (inside is null)
        {
            return [.. pod];
        }

        // Behind NAT the guest's own addresses say nothing to the outside, but a family the guest has not configured is not reachable.
        HashSet<AddressFamily> families = [.. inside.Addresses.Where(a => !IsLinkLocal(a)).Select(a => IPAddress.TryParse(a.AsSpan(), out IPAddress? ip) ? ip.AddressFamily : AddressFamily.Unknown)];
        return masquerade
            ? [.. item.PodAddresses.Where(a => families.Contains(a.AddressFamily) || (families.Count == 0 && a.AddressFamily == AddressFamily.InterNetwork)).Select(IpText.Format)]
            : Sorted([.. pod.Union(inside.Addresses, StringComparer.OrdinalIgnoreCase)]);
    }

    private static bool IsLinkLocal(string address) => address.StartsWith("fe80:", StringComparison.OrdinalIgnoreCase) || address.StartsWith("169.254.", StringComparison.Ordinal);

    private static IReadOnlyList<string> Sorted(IReadOnlyList<string> addresses) => [.. addresses.OrderBy(a => a.Contains(':', StringComparison.Ordinal))];
}
