using System.Text;
using Musubi.Cni.Execution;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>What rules of the host's firewall are kept for: one interface of one container on one network.</summary>
internal readonly record struct Attachment(string Network, string ContainerId, string IfName)
{
    private const int HashLength = 16;
    private const int ShortHashLength = 8;

    /// <summary>Begins the comment of every rule of a network; the reference library's form, so that either finds the other's rules.</summary>
    public static string NetworkKey(string network) => Hash(network);

    /// <summary>The attachment a call is about.</summary>
    public static Attachment Of(PluginCall call) => new(call.NetworkName, call.Invocation.ContainerId, call.Invocation.IfName);

    /// <summary>Begins the comment of every rule of this attachment.</summary>
    public string Key => $"{Hash(Network)}-{Hash($"{IfName}:{ContainerId}")}";

    /// <summary>Tells this interface of this container from others, for names of interfaces.</summary>
    public string ShortHash => Hash($"{IfName}:{ContainerId}")[..ShortHashLength];

    private static string Hash(string text)
    {
        Span<byte> digest = stackalloc byte[Sha512.HashBytes];
        Sha512.Hash(Encoding.UTF8.GetBytes(text), digest);
        return Convert.ToHexStringLower(digest[..(HashLength / 2)]);
    }
}
