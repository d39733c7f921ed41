using Musubi.Linux.Netlink;

namespace Musubi.Linux.Links;

/// <summary>Ports of bridges; <c>bridge link</c>. They are read as part of <see cref="LinkInfo"/>.</summary>
public sealed class BridgePortRequests
{
    private readonly RouteSocket _route;

    internal BridgePortRequests(RouteSocket route) => _route = route;

    /// <summary>Changes a port's options; <c>bridge link set dev NAME hairpin on</c>. The link must be a bridge's port already.</summary>
    public void Change(LinkIndex port, BridgePortChange change)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.ChangePort(ref writer, port, change);
        _route.Socket.Execute(ref writer, port);
    }
}
