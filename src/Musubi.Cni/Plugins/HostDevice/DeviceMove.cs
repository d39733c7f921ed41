using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.HostDevice;

/// <summary>Moves a device between host and container. While it is in the container its alias is the name it has on the host, as the reference plugin does it.</summary>
internal static class DeviceMove
{
    /// <summary>Moves a device in: renamed, set up and marked with its old name in one request.</summary>
    public static LinkInfo MoveIn(PluginCall call, NetworkNamespace sandbox, RouteSocket inside, LinkInfo device, Undo undo)
    {
        string ifName = call.Invocation.IfName;
        bool hasReturned = DeviceSearch.HasReturned(call, device);
        string hostName = hasReturned ? device.Alias! : device.Name;
        LentDevice lent = new(
            call.NetworkName, call.Invocation.ContainerId, ifName, hostName, hasReturned ? "" : device.Alias ?? "", device.Index, device.Mac);
        if (inside.Links.Find(ifName) is not null)
        {
            throw new CniException(CniErrorCode.Internal, $"failed to move link {device.Name}: the container has an interface \"{ifName}\" already");
        }

        lent.Save(call);
        undo.Push(() => MoveBack(call, inside, device, lent));
        try
        {
            call.HostRoute.Links.Change(device.Index, new LinkChange { MoveTo = sandbox, Name = ifName, Alias = hostName, AdminUp = true });
            return inside.Links.Get(ifName);
        }
        catch (NetlinkException e)
        {
            throw CniException.Wrap($"failed to move link {device.Name}", e);
        }
    }

    /// <summary>Moves the device back under its name on the host, and leaves it down; what is not a device of the host is left alone.</summary>
    /// <returns>False when the container has no interface of the name.</returns>
    public static bool MoveOut(PluginCall call, NetworkNamespace sandbox)
    {
        using RouteSocket inside = RouteSocket.Open(sandbox);
        LinkInfo? link = inside.Links.Find(call.Invocation.IfName);
        if (link is null)
        {
            return false;
        }

        // Without a record it was the reference plugin that lent it.
        LentDevice? lent = LentDevice.Find(call);
        string? name = string.IsNullOrEmpty(link.Alias) ? null : lent?.HostName ?? link.Alias;
        if (name is null || !DeviceSearch.IsName(name))
        {
            call.Environment.Log.WriteLine($"interface {link.Name} has no alias that names it on the host: it did not come from there and stays");
            return true;
        }

        if (call.HostRoute.Links.Find(name) is not null)
        {
            throw new CniException(CniErrorCode.TryAgainLater, $"failed to move {link.Name} back to the host: there is another interface \"{name}\"; rename that one");
        }

        MoveOut(call, inside, link, name, lent?.HostAlias ?? "");
        lent?.Remove(call);
        return true;
    }

    /// <summary>DEL: a device whose container is gone came back by itself, under the container's name for it: it gets its own again.</summary>
    public static void Recover(PluginCall call, HostDeviceConfig? config) => Guard(call, () =>
    {
        if (LentDevice.Find(call) is { } lent)
        {
            Recover(call, lent);
        }
        else
        {
            RecoverConfigured(call, config);
        }
    });

    /// <summary>GC: does it for every attachment of the network that is not valid any more.</summary>
    public static void RecoverInvalid(PluginCall call, HostDeviceConfig? config)
    {
        Guard(call, () =>
        {
            foreach (LentDevice lent in LentDevice.All(call).Where(l => l.Network == call.NetworkName && !call.ValidAttachments.Contains((l.ContainerId, l.IfName))).ToArray())
            {
                Guard(call, () => Recover(call, lent));
            }
        });
        Guard(call, () => RecoverConfigured(call, config));
    }

    private static void Recover(PluginCall call, LentDevice lent)
    {
        // A record of a device that is still away is kept: it is needed when it comes.
        bool isBack = call.HostRoute.Links.List().FirstOrDefault(lent.IsReturned) is { } link
            ? Rename(call, link, lent.HostName, lent.HostAlias)
            : call.HostRoute.Links.Find(lent.HostName) is { Mac: { } mac } && mac == lent.Mac;
        if (isBack)
        {
            lent.Remove(call);
        }
    }

    private static void RecoverConfigured(PluginCall call, HostDeviceConfig? config)
    {
        if (config is not null && DeviceSearch.TryFind(call, config) is { } link && DeviceSearch.HasReturned(call, link))
        {
            Rename(call, link, link.Alias!, "");
        }
    }

    private static bool Rename(PluginCall call, LinkInfo link, string name, string alias)
    {
        if (name != link.Name && call.HostRoute.Links.Find(name) is not null)
        {
            return false;
        }

        call.HostRoute.Batch()
            .ChangeLink(link.Index, new LinkChange { AdminUp = false })
            .ChangeLink(link.Index, new LinkChange { Name = name, Alias = alias })
            .Commit();
        return true;
    }

    private static void Guard(PluginCall call, Action work)
    {
        try
        {
            work();
        }
        catch (Exception e) when (e is CniException or LinuxException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            call.Environment.Log.WriteLine($"could not look for the device on the host: {e.Message}");
        }
    }

    private static void MoveOut(PluginCall call, RouteSocket inside, LinkInfo link, string hostName, string alias)
    {
        using NetworkNamespace? opened = call.Host is null ? NetworkNamespace.OpenCurrent() : null;
        try
        {
            // Renamed while nobody looks, so that the host's device manager never sees a passing name; if the container has that name, on arrival. A device
            // is renamed only while it is down.
            inside.Batch()
                .ChangeLink(link.Index, new LinkChange { AdminUp = false })
                .ChangeLink(link.Index, new LinkChange { Name = hostName }).Tolerate(Errno.EEXIST)
                .ChangeLink(link.Index, new LinkChange { MoveTo = call.Host ?? opened, Name = hostName, Alias = alias })
                .Commit();
        }
        catch (NetlinkException e)
        {
            inside.Batch()
                .ChangeLink(link.Index, new LinkChange { Name = link.Name, Alias = link.Alias }).Tolerate(Errno.ENODEV)
                .ChangeLink(link.Index, new LinkChange { AdminUp = link.AdminUp }).Tolerate(Errno.ENODEV)
                .Commit();
            throw CniException.Wrap($"failed to move {link.Name} back to the host as {hostName}", e);
        }
    }

    /// <summary>Undoes <see cref="MoveIn"/>, however far that came.</summary>
    private static void MoveBack(PluginCall call, RouteSocket inside, LinkInfo device, LentDevice lent)
    {
        LinkInfo? link = inside.Links.Find(call.Invocation.IfName) ?? inside.Links.Find(device.Name);
        if (link is not null && link.Mac == device.Mac && link.Kind == device.Kind && call.HostRoute.Links.Find(device.Name) is null)
        {
            MoveOut(call, inside, link, lent.HostName, lent.HostAlias);
        }

        if (device.AdminUp && call.HostRoute.Links.Find(lent.HostName) is { } back)
        {
            call.HostRoute.Links.Change(back.Index, new LinkChange { AdminUp = true });
        }

        lent.Remove(call);
    }
}
