using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;
using Musubi.Linux.Packets;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>What most plugins do with the interface they have made: set it up, with IPAM's addresses when there is IPAM.</summary>
internal static class SandboxNetwork
{
    /// <summary>Refuses what the result's version could not express, before anything is done.</summary>
    public static void RequireExpressible(PluginCall call)
    {
        if (call.IpamType is null)
        {
            CniResultJson.RequireLayer2Support(call.Version);
        }
    }

    /// <summary>Asks IPAM for addresses, to be given back when a later step fails; all of them are the first interface's.</summary>
    public static CniResult Allocate(PluginCall call, Undo undo, int index = 0)
    {
        CniResult given = call.RunIpam(CniCommand.Add)!;
        undo.Push(() => call.RunIpam(CniCommand.Del));
        return Assign(given, index);
    }

    /// <summary>A result whose addresses are all those of one interface.</summary>
    public static CniResult Assign(CniResult given, int index = 0) => given.Addresses.Count == 0
        ? throw new CniException(CniErrorCode.Internal, "IPAM plugin returned missing IP config")
        : given with { Addresses = [.. given.Addresses.Select(a => a with { Interface = index })] };

    /// <summary>Sets the interface up with the addresses and routes of a result, or with none.</summary>
    /// <param name="call">The call.</param>
    /// <param name="sandbox">The container's namespace.</param>
    /// <param name="inside">A socket in it.</param>
    /// <param name="link">The interface.</param>
    /// <param name="mac">Its hardware address.</param>
    /// <param name="addresses">What to give it; null for a plain layer 2 interface.</param>
    public static void Configure(PluginCall call, NetworkNamespace sandbox, RouteSocket inside, LinkIndex link, MacAddress? mac, CniResult? addresses)
    {
        string ifName = call.Invocation.IfName;
        if (addresses is null)
        {
            inside.Links.Change(link, new LinkChange { AdminUp = true });
            return;
        }

        TellNeighbours(sandbox, ifName, addresses);
        SandboxInterface.Configure(inside, sandbox, link, ifName, index: 0, addresses, detectDuplicates: false, call.Environment.Cancellation);
        if (mac is { } own && addresses.Addresses.Any(a => a.Address.IsIPv6))
        {
            Advertise(call, sandbox, link, own, addresses);
        }
    }

    /// <summary>Addresses that are used without being checked for duplicates are not announced by the kernel; who had one before may still be in tables.</summary>
    private static void Advertise(PluginCall call, NetworkNamespace sandbox, LinkIndex link, MacAddress mac, CniResult addresses)
    {
        try
        {
            NeighbourAdvertisement.Send(sandbox, link, mac, addresses.Addresses.Where(a => a.Address.IsIPv6).Select(a => a.Address.Address));
        }
        catch (LinuxException e)
        {
            call.Environment.Log.WriteLine($"the addresses could not be announced: {e.Message}");
        }
    }

    /// <summary>The kernel announces IPv4 addresses when the interface comes up, and those of both families whenever its hardware address changes.</summary>
    private static void TellNeighbours(NetworkNamespace sandbox, string ifName, CniResult addresses)
    {
        List<(string, string)> parameters = [];
        if (addresses.Addresses.Any(a => !a.Address.IsIPv6))
        {
            parameters.Add(($"net/ipv4/conf/{ifName}/arp_notify", "1"));
        }

        if (addresses.Addresses.Any(a => a.Address.IsIPv6))
        {
            parameters.Add(($"net/ipv6/conf/{ifName}/ndisc_notify", "1"));
        }

        Sysctl.TryEnsureAll(sandbox, [.. parameters]);
    }
}
