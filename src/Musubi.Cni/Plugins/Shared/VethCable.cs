using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>A veth pair between a container and the host.</summary>
/// <param name="Inside">The container's end, in the container's namespace.</param>
/// <param name="InsideMac">Its address.</param>
/// <param name="Host">The host's end.</param>
/// <param name="HostName">Its name.</param>
/// <param name="HostMac">Its address.</param>
internal sealed record VethCable(LinkIndex Inside, MacAddress InsideMac, LinkIndex Host, string HostName, MacAddress HostMac)
{
    private const int NameAttempts = 10;

    /// <summary>Makes a cable between a container and the host.</summary>
    /// <remarks>Both addresses are set when the ends are made: an end without one of its own may get another from the host's device manager.</remarks>
    public static VethCable Create(PluginCall call, RouteSocket sandbox, string name, int? mtuBytes, MacAddress mac)
    {
        NetworkNamespace? opened = null;
        NetworkNamespace host = call.Host ?? (opened = NetworkNamespace.OpenCurrent());
        try
        {
            for (int attempt = 1; ; attempt++)
            {
                string hostName = RandomName();
                MacAddress hostMac = MacAddress.Random();
                try
                {
                    LinkIndex index = sandbox.Links.Create(new VethLink(name, hostName) { Mac = mac, MtuBytes = mtuBytes, PeerNamespace = host, PeerMac = hostMac });
                    return new VethCable(index, mac, call.HostRoute.Links.IndexOf(hostName), hostName, hostMac);
                }
                catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
                {
                    if (sandbox.Links.Find(name) is not null)
                    {
                        throw new CniException(CniErrorCode.Internal, $"container veth name (\"{name}\") peer provided (\"{hostName}\") already exists");
                    }

                    if (attempt == NameAttempts)
                    {
                        throw CniException.Wrap($"failed to find a free name for the host's end of \"{name}\" in {NameAttempts} attempts", e);
                    }
                }
            }
        }
        catch (NetlinkException e)
        {
            throw CniException.Wrap($"failed to make veth pair for \"{name}\"", e);
        }
        finally
        {
            opened?.Dispose();
        }
    }

    private static string RandomName()
    {
        Span<byte> random = stackalloc byte[4];
        KernelRandom.Fill(random);
        return $"veth{Convert.ToHexStringLower(random)}";
    }
}
