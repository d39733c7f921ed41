using Musubi.Linux.Netlink;

namespace Musubi.Linux.Links;

/// <summary>Links of the socket's namespace; <c>ip link</c>.</summary>
public sealed class LinkRequests
{
    private readonly RouteSocket _route;

    internal LinkRequests(RouteSocket route) => _route = route;

    private NetlinkSocket Socket => _route.Socket;

    /// <summary>Creates a link; <c>ip link add</c>. Answers its index in the namespace where it was created.</summary>
    /// <exception cref="NetlinkException">EEXIST: a link (or a veth's peer) of this name is there; EOPNOTSUPP: the kernel lacks the kind.</exception>
    public LinkIndex Create(LinkSpec spec)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.Create(ref writer, spec);
        if (spec.Namespace is { } elsewhere)
        {
            Socket.Execute(ref writer, spec);
            using RouteSocket there = RouteSocket.Open(elsewhere);
            return there.Links.IndexOf(spec.Name);
        }

        // The index is asked for in the same system call.
        LinkMessages.Get(ref writer, spec.Name, Rtnl.RTEXT_FILTER_SKIP_STATS);
        LinkIndex index = Socket.Get<LinkIndex>(ref writer, LinkReader.TryReadIndex, spec);
        GC.KeepAlive(spec);
        return index;
    }

    /// <summary>The link of a name, or null; <c>ip link show NAME</c>.</summary>
    public LinkInfo? Find(string name)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.Get(ref writer, name);
        return Find(ref writer, name);
    }

    /// <summary>The link of an index, or null.</summary>
    public LinkInfo? Find(LinkIndex link)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.Get(ref writer, link);
        return Find(ref writer, link);
    }

    /// <summary>The link of a name.</summary>
    /// <exception cref="NetlinkException">ENODEV: there is none.</exception>
    public LinkInfo Get(string name)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.Get(ref writer, name);
        return Socket.Get<LinkInfo>(ref writer, LinkReader.TryRead, name);
    }

    /// <summary>The link of an index.</summary>
    /// <exception cref="NetlinkException">ENODEV: there is none.</exception>
    public LinkInfo Get(LinkIndex link)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.Get(ref writer, link);
        return Socket.Get<LinkInfo>(ref writer, LinkReader.TryRead, link);
    }

    /// <summary>The index of a name, without reading the rest.</summary>
    /// <exception cref="NetlinkException">ENODEV: there is none.</exception>
    public LinkIndex IndexOf(string name)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.Get(ref writer, name, Rtnl.RTEXT_FILTER_SKIP_STATS);
        return Socket.Get<LinkIndex>(ref writer, LinkReader.TryReadIndex, name);
    }

    /// <summary>All links; <c>ip link</c>.</summary>
    public IReadOnlyList<LinkInfo> List()
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.List(ref writer);
        return Socket.Dump<LinkInfo>(ref writer, LinkReader.TryRead, subject: null);
    }

    /// <summary>The ports of a bridge; <c>ip link show master NAME</c>.</summary>
    public IReadOnlyList<LinkInfo> ListPorts(LinkIndex bridge)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.List(ref writer, bridge);
        return Socket.Dump<LinkInfo>(ref writer, LinkReader.TryRead, bridge);
    }

    /// <summary>Changes a link; <c>ip link set</c>.</summary>
    public void Change(LinkIndex link, LinkChange change)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.ChangeLink(ref writer, link, change);
        Socket.Execute(ref writer, link);
        GC.KeepAlive(change);
    }

    /// <summary>Changes the options of a link's kind; <c>ip link set NAME type bridge vlan_filtering 1</c>.</summary>
    /// <param name="link">The link.</param>
    /// <param name="options">A specification of the same kind, of which only the kind's own options count.</param>
    public void ChangeOptions(LinkIndex link, LinkSpec options)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.ChangeOptions(ref writer, link, options);
        Socket.Execute(ref writer, link);
    }

    /// <summary>
    /// Deletes a link, and with a veth its peer; <c>ip link delete</c>. The kernel waits a grace period: prefer <see cref="DeleteTogether"/> for several.
    /// </summary>
    /// <exception cref="NetlinkException">ENODEV: there is none.</exception>
    public void Delete(LinkIndex link)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.Delete(ref writer, link);
        Socket.Execute(ref writer, link);
    }

    /// <summary>Deletes a link if it is there; answers whether it was.</summary>
    public bool DeleteIfExists(string name)
    {
        MessageWriter writer = new(stackalloc byte[MessageWriter.TypicalSize]);
        LinkMessages.Delete(ref writer, name);
        NetlinkAcknowledgement acknowledgement = Socket.TryExecute(ref writer, name);
        return acknowledgement.IsSuccess
            || (acknowledgement.Errno == Errno.ENODEV
                ? false
                : throw acknowledgement.ToException(Socket.Protocol, Rtnl.RTM_DELLINK, name));
    }

    /// <summary>Deletes several links in one step, so that the kernel waits only once. Links that are gone already are no error.</summary>
    /// <exception cref="NetlinkException">A link cannot be deleted; then none of them was.</exception>
    public void DeleteTogether(IEnumerable<LinkIndex> links)
    {
        RouteBatch batch = _route.Batch();

        // A group of our own; groups in use are small numbers.
        Span<byte> random = stackalloc byte[sizeof(uint)];
        KernelRandom.Fill(random);
        uint group = 0x4000_0000 | (BitConverter.ToUInt32(random) & 0x3fff_ffff);
        int count = 0;
        foreach (LinkIndex link in links)
        {
            batch.ChangeLink(link, new LinkChange { Group = group }).Tolerate(Errno.ENODEV);
            count++;
        }

        if (count > 0)
        {
            batch.DeleteLinkGroup(group).Tolerate(Errno.ENODEV).Commit();
        }
    }

    /// <summary>Watches links; <c>ip monitor link</c>. First all there are, then each change until the token is cancelled.</summary>
    public IAsyncEnumerable<RouteEvent<LinkInfo>> WatchAsync(CancellationToken ct) =>
        RouteMonitor.WatchAsync<LinkInfo>(Socket, [Rtnl.RTNLGRP_LINK], List, LinkReader.TryReadChange, Rtnl.RTM_DELLINK, ct);

    private LinkInfo? Find(ref MessageWriter writer, object subject)
    {
        if (Socket.TryGet<LinkInfo>(ref writer, LinkReader.TryRead, subject, out LinkInfo? link, out NetlinkAcknowledgement failure, out ushort type))
        {
            return link;
        }

        return failure.Errno == Errno.ENODEV ? null : throw failure.ToException(Socket.Protocol, type, subject);
    }
}
