using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Shared;

/// <summary>Makes and removes the one link that a plugin puts into a container.</summary>
internal static class SandboxLink
{
    /// <summary>Makes a link in the container under its final name.</summary>
    /// <param name="call">The call.</param>
    /// <param name="maker">A socket in the namespace where the link below is, which may be the container's.</param>
    /// <param name="sandbox">The container's namespace.</param>
    /// <param name="inside">A socket in it.</param>
    /// <param name="spec">The link with its final name.</param>
    public static LinkInfo Create(PluginCall call, RouteSocket maker, NetworkNamespace sandbox, RouteSocket inside, LinkSpec spec)
    {
        try
        {
            if (ReferenceEquals(maker, inside))
            {
                return inside.Links.Get(inside.Links.Create(spec));
            }

            maker.Batch().CreateLink(spec with { Namespace = sandbox }).Commit();
            return inside.Links.Get(spec.Name);
        }
        catch (NetlinkException e) when (e.Errno == Errno.EEXIST)
        {
            return inside.Links.Find(spec.Name) is null && !ReferenceEquals(maker, inside)
                ? CreateAndRename(PassingName(call), maker, sandbox, inside, spec)
                : throw new CniException(CniErrorCode.Internal, $"failed to create {spec}: the container has an interface of this name already");
        }
        catch (NetlinkException e)
        {
            throw CniException.Wrap($"failed to create {spec}", e);
        }
    }

    /// <summary>Removes the container's interface; nothing there, and no namespace any more, is no error.</summary>
    public static void Remove(PluginCall call)
    {
        using NetworkNamespace? sandbox = call.FindSandbox();
        if (sandbox is not null)
        {
            using RouteSocket route = RouteSocket.Open(sandbox);
            route.Links.DeleteIfExists(call.Invocation.IfName);
            route.Links.DeleteIfExists(PassingName(call));
        }
    }

    /// <summary>DEL of a plugin that has one link in the container and nothing else.</summary>
    public static void RemoveWithAddresses(PluginCall call) => call.Detach(() => Remove(call));

    /// <summary>The name a link has before its final one. DEL finds by it what a killed ADD left.</summary>
    private static string PassingName(PluginCall call) => $"mus{Attachment.Of(call).ShortHash}";

    /// <summary>Before Linux 6.14 a link cannot be made elsewhere under a name that its maker's namespace has.</summary>
    private static LinkInfo CreateAndRename(string passing, RouteSocket maker, NetworkNamespace sandbox, RouteSocket inside, LinkSpec spec)
    {
        try
        {
            maker.Batch().CreateLink(spec with { Namespace = sandbox, Name = passing }).Commit();
            LinkIndex link = inside.Links.IndexOf(passing);
            inside.Links.Change(link, new LinkChange { Name = spec.Name });
            return inside.Links.Get(link);
        }
        catch (NetlinkException e)
        {
            inside.Links.DeleteIfExists(passing);
            throw CniException.Wrap($"failed to create {spec}", e);
        }
    }
}
