using System.Buffers;
using System.Text.Json;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Execution;

/// <summary>How a <see cref="CniEngine"/> works.</summary>
public sealed record CniEngineOptions
{
    /// <summary>Where results are kept between ADD and DEL.</summary>
    /// <value>The default is the reference library's <c>/var/lib/cni/results</c>.</value>
    public string CacheDirectory { get; init; } = "/var/lib/cni/results";

    /// <summary>Directories to look for plugins in, separated by colons.</summary>
    /// <value>The default is <c>/opt/cni/bin</c>.</value>
    public string PluginPath { get; init; } = "/opt/cni/bin";
}

/// <summary>
/// The runtime's side of the specification: runs a network's plugins for an attachment, hands each the result of the one before,
/// remembers the final result for CHECK and DEL, and undoes a chain that fails half way.
/// </summary>
/// <param name="options">Directories.</param>
/// <param name="environment">Namespace and delegates.</param>
public sealed class CniEngine(CniEngineOptions options, PluginEnvironment environment)
{
    private readonly ResultCache _cache = new(options.CacheDirectory);

    /// <summary>Attaches: every plugin's ADD in order.</summary>
    /// <exception cref="CniException">A plugin failed; the plugins before it have been undone in reverse order.</exception>
    public CniResult Add(NetworkConfigList network, CniAttachment attachment)
    {
        CniResult? result = null;
        int done = 0;
        try
        {
            for (; done < network.Plugins.Count; done++)
            {
                result = Run(CniCommand.Add, network, network.Plugins[done], attachment, result);
            }

            _cache.Save(network, attachment, result!);
            return result!;
        }
        catch (Exception e) when (e is CniException or IOException)
        {
            throw Undo(network, attachment, result, done, e);
        }
    }

    /// <summary>Verifies: every plugin's CHECK in order, with the remembered result.</summary>
    public void Check(NetworkConfigList network, CniAttachment attachment)
    {
        if (network.DisableCheck)
        {
            return;
        }

        CniResult result = _cache.Find(network.Name, attachment)
            ?? throw new CniException(CniErrorCode.UnknownContainer, $"no result of network {network.Name} is remembered for {attachment.ContainerId} {attachment.IfName}");
        foreach (ConfigObject plugin in network.Plugins)
        {
            Run(CniCommand.Check, network, plugin, attachment, result);
        }
    }

    /// <summary>Detaches: every plugin's DEL in reverse order; every one is tried, and the first failure is reported.</summary>
    public void Del(NetworkConfigList network, CniAttachment attachment)
    {
        CniResult? result = network.Version >= CniVersion.V040 ? _cache.Find(network.Name, attachment) : null;
        Exception? failure = null;
        foreach (ConfigObject plugin in network.Plugins.Reverse())
        {
            try
            {
                Run(CniCommand.Del, network, plugin, attachment, result);
            }
            catch (CniException e)
            {
                failure ??= e;
            }
        }

        if (failure is not null)
        {
            throw failure;
        }

        _cache.Remove(network.Name, attachment);
    }

    /// <summary>Removes what attachments other than the valid ones left behind on a network; goes on after a failure and reports the first.</summary>
    /// <param name="network">The network.</param>
    /// <param name="valid">Every attachment that still exists, container id and interface name.</param>
    public void Gc(NetworkConfigList network, IReadOnlySet<(string ContainerId, string IfName)> valid)
    {
        if (network.DisableGc)
        {
            return;
        }

        CniException? failure = null;
        foreach (CniAttachment stale in _cache.List(network.Name).Where(a => !valid.Contains((a.ContainerId, a.IfName))))
        {
            Try(() => Del(network, stale with { Netns = "" }));
        }

        if (network.Version >= CniVersion.V110)
        {
            foreach (ConfigObject plugin in network.Plugins)
            {
                Try(() => Run(CniCommand.Gc, network, plugin, new CniAttachment("", "", ""), previous: null, valid));
            }
        }

        if (failure is not null)
        {
            throw failure;
        }

        void Try(Action step)
        {
            try
            {
                step();
            }
            catch (CniException e)
            {
                failure ??= e;
            }
        }
    }

    /// <summary>Attachments that were added and not yet deleted, of one network or of all.</summary>
    public IReadOnlyList<CniAttachment> Attachments(string? network = null) => _cache.List(network);

    private CniException Undo(NetworkConfigList network, CniAttachment attachment, CniResult? result, int failed, Exception why)
    {
        List<string> left = [];
        for (int i = Math.Min(failed, network.Plugins.Count - 1); i >= 0; i--)
        {
            try
            {
                Run(CniCommand.Del, network, network.Plugins[i], attachment, result);
            }
            catch (CniException e)
            {
                left.Add($"{network.Plugins[i].Text("type")}: {e.Message}");
            }
        }

        CniException wrapped = CniException.Wrap($"network {network.Name}, interface {attachment.IfName}", why);
        return left.Count == 0
            ? wrapped
            : new CniException(wrapped.Code, $"{wrapped.Message} (and could not undo {string.Join("; ", left)})", wrapped.Details, why);
    }

    private CniResult? Run(
        CniCommand command,
        NetworkConfigList network,
        ConfigObject plugin,
        CniAttachment attachment,
        CniResult? previous,
        IReadOnlySet<(string ContainerId, string IfName)>? valid = null)
    {
        CniInvocation invocation = new()
        {
            Command = command,
            ContainerId = attachment.ContainerId,
            Netns = attachment.Netns,
            IfName = attachment.IfName,
            Args = attachment.Args,
            Path = options.PluginPath,
            Config = Compose(network, plugin, attachment, previous, valid),
        };
        return environment.Delegates.Run(plugin.Text("type")!, invocation, environment);
    }

    /// <summary>The plugin's configuration with what the runtime adds (specification, section 3, "Deriving request configuration").</summary>
    private static ReadOnlyMemory<byte> Compose(
        NetworkConfigList network,
        ConfigObject plugin,
        CniAttachment attachment,
        CniResult? previous,
        IReadOnlySet<(string ContainerId, string IfName)>? valid)
    {
        ArrayBufferWriter<byte> buffer = new(1024);
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = PlainJsonEncoder.Instance }))
        {
            json.WriteStartObject();
            json.WriteString("cniVersion", network.Version.ToString());
            json.WriteString("name", network.Name);
            foreach (JsonProperty property in plugin.Element.EnumerateObject())
            {
                if (property.Name is not ("cniVersion" or "cniVersions" or "name" or "capabilities" or "runtimeConfig" or "prevResult" or "args"))
                {
                    property.WriteTo(json);
                }
            }

            WriteArgs(json, plugin, attachment);
            WriteRuntimeConfig(json, plugin, attachment);
            if (previous is not null)
            {
                json.WritePropertyName("prevResult");
                CniResultJson.WriteTo(json, previous, network.Version);
            }

            if (valid is not null)
            {
                WriteValid(json, valid);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    private static void WriteArgs(Utf8JsonWriter json, ConfigObject plugin, CniAttachment attachment)
    {
        if (attachment.CniArgs is { } cni)
        {
            json.WriteStartObject("args");
            json.WritePropertyName("cni");
            json.WriteRawValue(cni);
            json.WriteEndObject();
        }
        else if (plugin.Find("args") is { } args)
        {
            json.WritePropertyName("args");
            args.WriteTo(json);
        }
    }

    private static void WriteRuntimeConfig(Utf8JsonWriter json, ConfigObject plugin, CniAttachment attachment)
    {
        if (plugin.Object("capabilities") is not { } capabilities)
        {
            return;
        }

        json.WriteStartObject("runtimeConfig");
        foreach ((string capability, string value) in attachment.CapabilityArgs)
        {
            if (capabilities.Flag(capability) == true)
            {
                json.WritePropertyName(capability);
                json.WriteRawValue(value);
            }
        }

        json.WriteEndObject();
    }

    private static void WriteValid(Utf8JsonWriter json, IReadOnlySet<(string ContainerId, string IfName)> valid)
    {
        json.WriteStartArray("cni.dev/valid-attachments");
        foreach ((string containerId, string ifName) in valid)
        {
            json.WriteStartObject();
            json.WriteString("containerID", containerId);
            json.WriteString("ifname", ifName);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
