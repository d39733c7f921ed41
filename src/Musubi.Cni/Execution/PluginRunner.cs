using Musubi.Cni.Spec;
using Musubi.Linux.Files;
using Musubi.Linux.Namespaces;

namespace Musubi.Cni.Execution;

/// <summary>Runs one command of one of our plugins: checks what every plugin must check, then calls it.</summary>
public static class PluginRunner
{
    /// <summary>Runs a command.</summary>
    /// <returns>The result of ADD and the version to print it in; null for the other commands.</returns>
    /// <exception cref="CniException">The command failed.</exception>
    public static (CniResult Result, CniVersion Version)? Run(ICniPlugin plugin, CniInvocation invocation, PluginEnvironment environment)
    {
        using PluginCall call = new(invocation, environment);
        try
        {
            switch (invocation.Command)
            {
                case CniCommand.Add:
                    RefuseOwnNamespace(call);
                    return (plugin.Add(call), call.Version);
                case CniCommand.Del:
                    RefuseOwnNamespace(call);
                    plugin.Del(call);
                    return null;
                case CniCommand.Check:
                    Require(call.Version, CniVersion.V040, "CHECK");
                    plugin.Check(call);
                    return null;
                case CniCommand.Gc:
                    Require(call.Version, CniVersion.V110, "GC");
                    plugin.Gc(call);
                    return null;
                case CniCommand.Status:
                    Require(call.Version, CniVersion.V110, "STATUS");
                    plugin.Status(call);
                    return null;
                default:
                    throw new CniException(CniErrorCode.InvalidEnvironment, $"{invocation.Command} takes no configuration");
            }
        }
        catch (Exception e) when (e is not CniException and not OutOfMemoryException)
        {
            int code = e is TimeoutException or OperationCanceledException ? CniErrorCode.TryAgainLater : CniErrorCode.Internal;
            throw new CniException(code, FileErrors.Describe(e), details: null, e);
        }
    }

    /// <summary>A container's namespace that is the host's own would have the host's interfaces changed: refused before anything is done.</summary>
    private static void RefuseOwnNamespace(PluginCall call)
    {
        if (call.Invocation.NetnsOverride || call.Invocation.Netns.Length == 0)
        {
            return;
        }

        try
        {
            using NetworkNamespace? sandbox = call.FindSandbox();
            if (sandbox is not null && (call.Host is { } host ? sandbox.IsSameAs(host) : sandbox.IsCurrent))
            {
                throw new CniException(CniErrorCode.InvalidNetns, "plugin's netns and netns from CNI_NETNS should not be the same");
            }
        }
        catch (Linux.LinuxException e)
        {
            throw new CniException(CniErrorCode.InvalidNetns, $"failed to open netns \"{call.Invocation.Netns}\": {e.Message}");
        }
    }

    private static void Require(CniVersion version, CniVersion least, string verb)
    {
        if (version < least)
        {
            throw new CniException(CniErrorCode.IncompatibleVersion, $"config version does not allow {verb}");
        }
    }
}
