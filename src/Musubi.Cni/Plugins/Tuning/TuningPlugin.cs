using Musubi.Cni.Execution;
using Musubi.Cni.Plugins.Shared;
using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Links;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Plugins.Tuning;

/// <summary>Sets kernel parameters in the container's namespace and attributes of its interface. Comes after a plugin that makes the interface.</summary>
internal sealed class TuningPlugin : ICniPlugin
{
    /// <inheritdoc/>
    public string Name => "tuning";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        TuningConfig config = TuningConfig.Read(call);
        TuningBackup.RequireDirectory(call);
        SysctlAllowlist.Require(call, config.Sysctls);
        CniResult result = ChainedResult.Require(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        Undo undo = new(call.Environment.Log);
        try
        {
            foreach (TuningSysctl sysctl in config.Sysctls)
            {
                Set(sandbox, sysctl, undo);
            }

            if (config.ChangesLink)
            {
                ChangeLink(call, config, sandbox, undo);
            }
        }
        catch (Exception)
        {
            undo.Run();
            throw;
        }

        return config.Link.Mac is not { } mac ? result : result with
        {
            Interfaces = [.. result.Interfaces.Select(i => i.Name == call.Invocation.IfName ? i with { Mac = mac.ToString() } : i)],
        };
    }

    /// <inheritdoc/>
    public void Check(PluginCall call)
    {
        TuningConfig config = TuningConfig.Read(call);
        ChainedResult.Require(call);
        using NetworkNamespace sandbox = call.OpenSandbox();
        foreach (TuningSysctl sysctl in config.Sysctls)
        {
            // The kernel separates the values of a list by tabs, however they were written.
            string current = Sysctl.Read(sandbox, sysctl.Name);
            if (!current.AsSpan().SequenceEqual(sysctl.Value) && !Words(current).SequenceEqual(Words(sysctl.Value)))
            {
                throw ResultCheck.Failed($"Error: Tuning configured value of {sysctl.Name} is {sysctl.Value}, current value is {current}");
            }
        }

        CheckLink(call, config.Link, sandbox);
    }

    /// <inheritdoc/>
    public void Del(PluginCall call)
    {
        if (TuningBackup.Find(call) is { } before)
        {
            Restore(call, before);
        }

        TuningBackup.Remove(call);
    }

    /// <inheritdoc/>
    public void Gc(PluginCall call) => TuningBackup.RemoveInvalid(call);

    private static void Set(NetworkNamespace sandbox, TuningSysctl sysctl, Undo undo)
    {
        try
        {
            // Some parameters can only be written: they set something off, and there is nothing to take back.
            string? before = TryRead(sandbox, sysctl.Name);
            Sysctl.Write(sandbox, sysctl.Name, sysctl.Value);
            if (before is not null)
            {
                undo.Push(() => Sysctl.Write(sandbox, sysctl.Name, before));
            }
        }
        catch (LinuxException e)
        {
            throw CniException.Wrap($"failed to set sysctl {sysctl.Key} to \"{sysctl.Value}\"", e);
        }
    }

    private static string? TryRead(NetworkNamespace sandbox, string name)
    {
        try
        {
            return Sysctl.Read(sandbox, name);
        }
        catch (LinuxException e) when (e.Errno != Errno.ENOENT)
        {
            return null;
        }
    }

    private static void ChangeLink(PluginCall call, TuningConfig config, NetworkNamespace sandbox, Undo undo)
    {
        string ifName = call.Invocation.IfName;
        using RouteSocket route = RouteSocket.Open(sandbox);
        LinkInfo link = route.Links.Find(ifName) ?? throw new CniException(CniErrorCode.Internal, $"failed to get \"{ifName}\": there is no such interface in {sandbox}");
        TuningBackup.Save(call, link, config.Link);
        undo.Push(() => TuningBackup.Remove(call));
        undo.Push(() => Restore(call, TuningBackup.Find(call) ?? new LinkChange()));
        try
        {
            route.Links.Change(link.Index, config.Link);
        }
        catch (NetlinkException e)
        {
            throw CniException.Wrap($"failed to change \"{ifName}\" ({Describe(config.Link)})", e);
        }
    }

    /// <summary>Gives the interface back what it had, each by itself: what cannot be given back must not keep the rest from it.</summary>
    private static void Restore(PluginCall call, LinkChange before)
    {
        try
        {
            using NetworkNamespace? sandbox = call.FindSandbox();
            using RouteSocket? route = sandbox is null ? null : RouteSocket.Open(sandbox);
            if (route?.Links.Find(call.Invocation.IfName) is { } link)
            {
                RouteBatch batch = route.Batch();
                batch.ChangeLink(link.Index, new LinkChange { MtuBytes = before.MtuBytes });
                batch.ChangeLink(link.Index, new LinkChange { Mac = before.Mac });
                batch.ChangeLink(link.Index, new LinkChange { Promiscuous = before.Promiscuous, AllMulticast = before.AllMulticast });
                batch.ChangeLink(link.Index, new LinkChange { TxQueueLength = before.TxQueueLength });
                batch.Commit();
            }
        }
        catch (LinuxException e)
        {
            call.Environment.Log.WriteLine($"failed to restore \"{call.Invocation.IfName}\": {e.Message}");
        }
    }

    private static void CheckLink(PluginCall call, LinkChange wanted, NetworkNamespace sandbox)
    {
        string ifName = call.Invocation.IfName;
        using RouteSocket route = RouteSocket.Open(sandbox);
        LinkInfo link = route.Links.Find(ifName) ?? throw ResultCheck.Failed($"Cannot find container link {ifName}");
        Compare("Ethernet", wanted.Mac, link.Mac);
        Compare<bool>("promisc", wanted.Promiscuous ?? false, link.Flags.HasFlag(LinkFlags.Promiscuous));
        Compare<int>("MTU", wanted.MtuBytes, link.MtuBytes);
        Compare<bool>("all-multicast mode", wanted.AllMulticast, link.Flags.HasFlag(LinkFlags.AllMulticast));
        Compare<int>("txQLen", wanted.TxQueueLength, link.TxQueueLength);

        void Compare<T>(string what, T? configured, T? current)
            where T : struct
        {
            if (configured is { } value && !value.Equals(current))
            {
                throw ResultCheck.Failed($"Error: Tuning configured {what} of {ifName} is {value}, current value is {current}");
            }
        }
    }

    private static string[] Words(string value) => value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static string Describe(LinkChange change)
    {
        List<string> parts = [];
        Add("mac", change.Mac);
        Add("promisc", change.Promiscuous);
        Add("mtu", change.MtuBytes);
        Add("allmulti", change.AllMulticast);
        Add("txQLen", change.TxQueueLength);
        return string.Join(", ", parts);

        void Add(string key, object? value)
        {
            if (value is not null)
            {
                parts.Add($"{key} {value}");
            }
        }
    }
}
