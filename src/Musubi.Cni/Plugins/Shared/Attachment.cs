using System.Text;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>What rules of the host's firewall are kept for: one interface of one container on one network.</summary>
internal readonly record struct Attachment(string Network, string ContainerId, string IfName)
{
    private const int HashLength = 16;

    /// <summary>Begins the comment of every rule of a network; the reference library's form, so that either finds the other's rules.</summary>
    public static string NetworkKey(string network) => Hash(network);

    /// <summary>Begins the comment of every rule of this attachment.</summary>
    public string Key => $"{Hash(Network)}-{Hash($"{IfName}:{ContainerId}")}";

    private static string Hash(string text)
    {
        Span<byte> digest = stackalloc byte[Sha512.HashBytes];
        Sha512.Hash(Encoding.UTF8.GetBytes(text), digest);
        return Convert.ToHexStringLower(digest[..(HashLength / 2)]);
    }
}
