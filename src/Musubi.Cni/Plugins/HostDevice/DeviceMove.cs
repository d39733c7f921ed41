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
        string hostName = DeviceSearch.NameOnHost(device);
        if (inside.Links.Find(ifName) is not null)
        {
            throw new CniException(CniErrorCode.Internal, $"failed to move link {device.Name}: the container has an interface \"{ifName}\" already");
        }

        undo.Push(() => MoveBack(call, inside, device, hostName));
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
    public static void MoveOut(PluginCall call, NetworkNamespace sandbox)
    {
        using RouteSocket inside = RouteSocket.Open(sandbox);
        LinkInfo? link = inside.Links.Find(call.Invocation.IfName);
        if (link is null)
        {
            return;
        }

        if (string.IsNullOrEmpty(link.Alias))
        {
            call.Environment.Log.WriteLine($"interface {link.Name} has no alias that names it on the host: it did not come from there and stays");
            return;
        }

        if (call.HostRoute.Links.Find(link.Alias) is not null)
        {
            throw new CniException(CniErrorCode.TryAgainLater, $"failed to move {link.Name} back to the host: there is another interface \"{link.Alias}\"; rename that one");
        }

        MoveOut(call, inside, link, link.Alias);
    }

    /// <summary>A device whose container is gone came back by itself, under the container's name for it: it gets its own again.</summary>
    public static void Recover(PluginCall call, HostDeviceConfig config)
    {
        try
        {
            if (DeviceSearch.TryFind(call.HostRoute, config) is { } link && DeviceSearch.NameOnHost(link) is { } name && name != link.Name && call.HostRoute.Links.Find(name) is null)
            {
                call.HostRoute.Batch()
                    .ChangeLink(link.Index, new LinkChange { AdminUp = false })
                    .ChangeLink(link.Index, new LinkChange { Name = name, Alias = "" })
                    .Commit();
            }
        }
        catch (Exception e) when (e is CniException or LinuxException or IOException or ArgumentException)
        {
            call.Environment.Log.WriteLine($"could not look for the device on the host: {e.Message}");
        }
    }

    private static void MoveOut(PluginCall call, RouteSocket inside, LinkInfo link, string hostName)
    {
        using NetworkNamespace? opened = call.Host is null ? NetworkNamespace.OpenCurrent() : null;
        try
        {
            // Renamed while nobody looks, so that the host's device manager never sees a passing name; if the container has that name, on arrival. A device
            // is renamed only while it is down.
            inside.Batch()
                .ChangeLink(link.Index, new LinkChange { AdminUp = false })
                .ChangeLink(link.Index, new LinkChange { Name = hostName }).Tolerate(Errno.EEXIST)
                .ChangeLink(link.Index, new LinkChange { MoveTo = call.Host ?? opened, Name = hostName, Alias = "" })
                .Commit();
        }
        catch (NetlinkException e)
        {
            inside.Batch()
                .ChangeLink(link.Index, new LinkChange { Name = link.Name, Alias = hostName }).Tolerate(Errno.ENODEV)
                .ChangeLink(link.Index, new LinkChange { AdminUp = link.AdminUp }).Tolerate(Errno.ENODEV)
                .Commit();
            throw CniException.Wrap($"failed to move {link.Name} back to the host as {hostName}", e);
        }
    }

    /// <summary>Undoes <see cref="MoveIn"/>, however far that came.</summary>
    private static void MoveBack(PluginCall call, RouteSocket inside, LinkInfo device, string hostName)
    {
        LinkInfo? link = inside.Links.Find(call.Invocation.IfName) ?? inside.Links.Find(device.Name);
        if (link is not null && link.Mac == device.Mac && link.Kind == device.Kind && call.HostRoute.Links.Find(device.Name) is null)
        {
            MoveOut(call, inside, link, hostName);
        }

        if (device.AdminUp && call.HostRoute.Links.Find(hostName) is { } back)
        {
            call.HostRoute.Links.Change(back.Index, new LinkChange { AdminUp = true });
        }
    }
}
