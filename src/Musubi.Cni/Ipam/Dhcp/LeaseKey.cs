using System.Text;
using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>What a lease is for.</summary>
/// <param name="ContainerId">The container.</param>
/// <param name="Network">The network's name.</param>
/// <param name="IfName">The interface in the container.</param>
internal readonly record struct LeaseKey(string ContainerId, string Network, string IfName)
{
    private const int FileNameBytes = 16;

    public static LeaseKey Of(PluginCall call) => new(call.Invocation.ContainerId, call.NetworkName, call.Invocation.IfName);

    /// <summary>A name for a file: the parts may be longer than such names, and hold what they may not.</summary>
    public string FileName
    {
        get
        {
            Span<byte> hash = stackalloc byte[Sha512.HashBytes];
            Sha512.Hash(Encoding.UTF8.GetBytes(ToString()), hash);
            return Convert.ToHexStringLower(hash[..FileNameBytes]);
        }
    }

    public override string ToString() => $"{ContainerId}/{Network}/{IfName}";
}
