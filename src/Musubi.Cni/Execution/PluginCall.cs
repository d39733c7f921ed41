using Musubi.Cni.Spec;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Netlink;

namespace Musubi.Cni.Execution;

/// <summary>One call of a plugin with everything it may touch: configuration, the host's namespace and the container's.</summary>
public sealed class PluginCall : IDisposable
{
    private RouteSocket? _hostRoute;
    private CniResult? _previousResult;

    internal PluginCall(CniInvocation invocation, PluginEnvironment environment)
    {
        Invocation = invocation;
        Environment = environment;
        Config = ConfigObject.Parse(invocation.Config);
        NetworkName = Config.Text("name") ?? "";
        if (NetworkName.Length == 0)
        {
            throw CniException.InvalidConfig("missing network name");
        }

        if (!CniInvocation.IsIdentifier(NetworkName))
        {
            throw CniException.InvalidConfig($"invalid characters found in network name \"{NetworkName}\"");
        }

        if (NetworkName.Length > CniInvocation.LongestIdentifier)
        {
            throw CniException.InvalidConfig($"the network name is longer than {CniInvocation.LongestIdentifier} characters");
        }

        Version = CniVersion.Parse(Config.Text("cniVersion"));
    }

    /// <summary>The environment variables and the raw configuration.</summary>
    public CniInvocation Invocation { get; }

    /// <summary>The configuration.</summary>
    public ConfigObject Config { get; }

    /// <summary>The configuration's <c>name</c>.</summary>
    public string NetworkName { get; }

    /// <summary>The configuration's <c>cniVersion</c>.</summary>
    public CniVersion Version { get; }

    /// <summary>Where the call runs and who serves its delegates.</summary>
    public PluginEnvironment Environment { get; }

    /// <summary>The host's namespace; null when it is the calling process's own.</summary>
    public NetworkNamespace? Host => Environment.Host;

    /// <summary>A netlink socket on the host's side, opened when first used and closed with the call.</summary>
    public RouteSocket HostRoute => _hostRoute ??= RouteSocket.Open(Host);

    /// <summary><c>CNI_ARGS</c>.</summary>
    public CniArguments Arguments => field ??= CniArguments.Parse(Invocation.Args);

    /// <summary>The <c>runtimeConfig</c> object: what the runtime passes for declared capabilities.</summary>
    public ConfigObject? RuntimeConfig => Config.Object("runtimeConfig");

    /// <summary>The <c>args.cni</c> object.</summary>
    public ConfigObject? CniArgs => Config.Object("args")?.Object("cni");

    /// <summary>The result so far of the chain, or of ADD for CHECK and DEL; null when the configuration has none.</summary>
    public CniResult? PreviousResult =>
        _previousResult ??= Config.Object("prevResult") is { } result ? CniResultJson.Read(result, Version) : null;

    /// <summary>The same for DEL, which goes on without it: null when it cannot be read, too.</summary>
    public CniResult? FindPreviousResult()
    {
        try
        {
            return PreviousResult;
        }
        catch (CniException e)
        {
            Environment.Log.WriteLine($"prevResult is passed over: {e.Message}");
            return null;
        }
    }

    /// <summary>GC: the attachments that are still valid, container id and interface name.</summary>
    public IReadOnlySet<(string ContainerId, string IfName)> ValidAttachments => field ??= ReadValidAttachments();

    /// <summary>The type of the IPAM delegate; null when the configuration asks for no addresses.</summary>
    public string? IpamType => Config.Object("ipam")?.Text("type") is { Length: > 0 } type ? type : null;

    /// <summary>Opens the container's namespace.</summary>
    /// <remarks>The caller disposes it.</remarks>
    /// <exception cref="CniException">Code 8: the path leads to no namespace.</exception>
    public NetworkNamespace OpenSandbox()
    {
        try
        {
            return NetworkNamespace.Open(Invocation.Netns);
        }
        catch (Exception e) when (e is Linux.LinuxException or ArgumentException)
        {
            throw new CniException(CniErrorCode.InvalidNetns, $"failed to open netns \"{Invocation.Netns}\": {e.Message}");
        }
    }

    /// <summary>Opens the container's namespace for DEL; null when there is none any more.</summary>
    /// <remarks>The caller disposes it. A file that is no namespace is one on which a namespace was mounted before the host was started anew.</remarks>
    public NetworkNamespace? FindSandbox()
    {
        try
        {
            return Invocation.Netns.Length == 0 ? null : NetworkNamespace.Find(Invocation.Netns);
        }
        catch (Linux.LinuxException e) when (e.Errno == Linux.Errno.EINVAL)
        {
            return null;
        }
    }

    /// <summary>Runs the IPAM delegate with the same environment and configuration.</summary>
    /// <returns>The result of ADD; null for the other commands.</returns>
    public CniResult? RunIpam(CniCommand command) => IpamType is { } type
        ? Environment.Delegates.Run(type, Invocation with { Command = command }, Environment)
        : null;

    /// <summary>DEL: removes the container's interface and gives its addresses back, in the order that the IPAM plugin needs.</summary>
    /// <remarks>
    /// The interface goes first, so that an address is not given out again while it still answers. A DHCP lease is the exception: it is given back over the
    /// interface.
    /// </remarks>
    public void Detach(Action removeInterface)
    {
        if (IpamType != "dhcp")
        {
            removeInterface();
            RunIpam(CniCommand.Del);
            return;
        }

        try
        {
            RunIpam(CniCommand.Del);
        }
        finally
        {
            removeInterface();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _hostRoute?.Dispose();

    private HashSet<(string, string)> ReadValidAttachments()
    {
        // Absent is not empty: a request that lost the list must not cost every container its network.
        if (Config.Element.TryGetProperty("cni.dev/valid-attachments", out _) is false && Config.Element.TryGetProperty("cni.dev/attachments", out _) is false)
        {
            throw CniException.InvalidConfig("cni.dev/valid-attachments is missing: GC needs the list of attachments to keep, which may be empty");
        }

        HashSet<(string, string)> valid = [];
        foreach (ConfigObject item in Config.Objects("cni.dev/valid-attachments") ?? Config.Objects("cni.dev/attachments") ?? [])
        {
            valid.Add((item.Text("containerID") ?? "", item.Text("ifname") ?? ""));
        }

        return valid;
    }
}

/// <summary>Where plugin calls run: which namespace is the host's, who serves delegates, where remarks go.</summary>
/// <param name="Delegates">Finds and runs delegates.</param>
/// <param name="Host">The host's namespace; null for the calling process's own.</param>
/// <param name="Log">Receives remarks that are no errors; standard error of a plugin process.</param>
public sealed record PluginEnvironment(DelegateRunner Delegates, NetworkNamespace? Host, TextWriter Log)
{
    /// <summary>Where plugins keep books whose place the configuration leaves open.</summary>
    /// <value>The default is the reference plugins' <c>/var/lib/cni</c>.</value>
    public string StateDirectory { get; init; } = "/var/lib/cni";

    /// <summary>Where plugins keep what need not outlive a reboot, when the configuration leaves the place open.</summary>
    /// <value>The default is the reference plugins' <c>/run/cni</c>.</value>
    public string RuntimeDirectory { get; init; } = "/run/cni";

    /// <summary>Where an administrator restricts what configurations may ask for.</summary>
    /// <value>The default is the reference plugins' <c>/etc/cni</c>.</value>
    public string PolicyDirectory { get; init; } = "/etc/cni";

    /// <summary>Ends waits.</summary>
    public CancellationToken Cancellation { get; init; }
}
