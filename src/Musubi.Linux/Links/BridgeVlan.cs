namespace Musubi.Linux.Links;

/// <summary>A VLAN, or several in a row, that a bridge's port is a member of.</summary>
/// <param name="First">The lowest.</param>
/// <param name="Last">The highest.</param>
public readonly record struct BridgeVlan(VlanId First, VlanId Last)
{
    /// <summary>One VLAN.</summary>
    public BridgeVlan(VlanId vlan)
        : this(vlan, vlan)
    {
    }

    /// <summary>Whether untagged frames that come in belong to it; only for a single VLAN.</summary>
    public bool Pvid { get; init; }

    /// <summary>Whether frames go out without tag.</summary>
    public bool Untagged { get; init; }

    /// <summary>As <c>bridge vlan</c> writes it.</summary>
    public override string ToString() =>
        (First == Last ? $"vlan {First}" : $"vlan {First}-{Last}") + (Pvid ? " pvid" : "") + (Untagged ? " untagged" : "");
}

/// <summary>The VLANs of one port, or of a bridge itself.</summary>
/// <param name="Link">The port or bridge.</param>
/// <param name="Vlans">Its VLANs in order.</param>
public sealed record BridgeVlans(LinkIndex Link, IReadOnlyList<BridgeVlan> Vlans);
