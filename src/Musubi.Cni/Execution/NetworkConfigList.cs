using Musubi.Cni.Spec;

namespace Musubi.Cni.Execution;

/// <summary>A network configuration as an administrator writes it: a list of plugins that run one after the other, or a single one.</summary>
public sealed record NetworkConfigList
{
    private NetworkConfigList()
    {
    }

    /// <summary>The network's name.</summary>
    public required string Name { get; init; }

    /// <summary>The version every plugin is called with.</summary>
    public required CniVersion Version { get; init; }

    /// <summary>The plugins' configurations, in the order of ADD.</summary>
    public required IReadOnlyList<ConfigObject> Plugins { get; init; }

    /// <summary>CHECK is not wanted.</summary>
    public bool DisableCheck { get; init; }

    /// <summary>GC is not wanted.</summary>
    public bool DisableGc { get; init; }

    /// <summary>The document as it was read.</summary>
    public required ReadOnlyMemory<byte> Source { get; init; }

    /// <summary>Reads a configuration list, or a single plugin's configuration.</summary>
    /// <param name="json">The document.</param>
    /// <param name="fallbackName">The name when the document has none, as a NetworkAttachmentDefinition's own name serves.</param>
    /// <exception cref="CniException">The document is malformed; the message names the key.</exception>
    public static NetworkConfigList Parse(ReadOnlyMemory<byte> json, string? fallbackName = null)
    {
        ConfigObject root = ConfigObject.Parse(json);
        IReadOnlyList<ConfigObject>? plugins = root.Objects("plugins");
        if (plugins is { Count: 0 })
        {
            throw CniException.InvalidConfig("plugins must name at least one plugin");
        }

        string name = root.Text("name") is { Length: > 0 } own ? own : fallbackName ?? "";
        if (!CniInvocation.IsIdentifier(name))
        {
            throw CniException.InvalidConfig(name.Length == 0 ? "missing network name" : $"invalid characters found in network name \"{name}\"");
        }

        plugins ??= [root];
        foreach (ConfigObject plugin in plugins)
        {
            if (string.IsNullOrEmpty(plugin.Text("type")))
            {
                throw CniException.InvalidConfig($"{plugin.PathOf("type")} is missing: it names the plugin");
            }
        }

        return new NetworkConfigList
        {
            Name = name,
            Version = NewestCommon(root),
            Plugins = plugins,
            DisableCheck = root.Flag("disableCheck") ?? false,
            DisableGc = root.Flag("disableGC") ?? false,
            Source = json,
        };
    }

    /// <summary><c>cniVersions</c> lists alternatives of which the newest supported one is taken; else <c>cniVersion</c> counts.</summary>
    private static CniVersion NewestCommon(ConfigObject root)
    {
        CniVersion? newest = null;
        foreach (string candidate in root.Texts("cniVersions") ?? [])
        {
            if (CniVersion.Supported.Contains(candidate) && CniVersion.Parse(candidate) is var version && (newest is null || version > newest))
            {
                newest = version;
            }
        }

        return newest ?? CniVersion.Parse(root.Text("cniVersion"));
    }
}
