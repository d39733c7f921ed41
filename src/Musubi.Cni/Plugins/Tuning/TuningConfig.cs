using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Links;

namespace Musubi.Cni.Plugins.Tuning;

/// <summary>The keys of the tuning plugin; those below <c>args.cni</c> win over all others.</summary>
internal sealed record TuningConfig
{
    private const string InterfaceWord = "IFNAME";

    /// <summary>Kernel parameters in the order they are written in the configuration.</summary>
    public IReadOnlyList<TuningSysctl> Sysctls { get; init; } = [];

    /// <summary>What to change of the interface; members that are null stay as they are.</summary>
    public LinkChange Link { get; init; } = new();

    public bool ChangesLink => Link is not { Mac: null, Promiscuous: null, MtuBytes: null, AllMulticast: null, TxQueueLength: null };

    /// <summary>Reads the configuration.</summary>
    public static TuningConfig Read(PluginCall call)
    {
        ConfigObject config = call.Config;
        ConfigObject? args = call.CniArgs;
        string ifName = call.Invocation.IfName;
        if (ifName.Contains('/', StringComparison.Ordinal))
        {
            throw new CniException(CniErrorCode.InvalidEnvironment, $"Interface name ({ifName}) contains an invalid character /");
        }

        List<TuningSysctl> sysctls = [];
        AddSysctls(sysctls, config.Object("sysctl"), ifName);
        AddArguments(sysctls, args?.Object("sysctl"), ifName);
        string? mac = args?.Text("mac") is { Length: > 0 } argument ? argument
            : call.RuntimeConfig?.Text("mac") is { Length: > 0 } runtime ? runtime
            : call.Arguments["MAC"] ?? config.Text("mac");
        bool promiscuous = args?.Flag("promisc") ?? config.Flag("promisc") ?? false;
        return new TuningConfig
        {
            Sysctls = sysctls,
            Link = new LinkChange
            {
                Mac = string.IsNullOrEmpty(mac) ? null : ReadMac(mac),
                Promiscuous = promiscuous ? true : null,
                MtuBytes = Positive("mtu", args?.Number("mtu") ?? config.Number("mtu")) is { } mtu and > 0 ? mtu : null,
                AllMulticast = args?.Flag("allmulti") ?? config.Flag("allmulti"),
                TxQueueLength = Positive("txQLen", args?.Number("txQLen") ?? config.Number("txQLen")),
            },
        };
    }

    private static void AddSysctls(List<TuningSysctl> sysctls, ConfigObject? section, string ifName)
    {
        foreach (TuningSysctl sysctl in ReadSysctls(section, ifName))
        {
            // JSON lets a key be repeated and then counts the last one: a slip that would go unnoticed.
            if (sysctls.Any(s => s.Name == sysctl.Name))
            {
                throw CniException.InvalidConfig($"duplicated sysctl keys are not allowed: {sysctl.Key}");
            }

            sysctls.Add(sysctl);
        }
    }

    private static void AddArguments(List<TuningSysctl> sysctls, ConfigObject? section, string ifName)
    {
        foreach (TuningSysctl sysctl in ReadSysctls(section, ifName))
        {
            sysctls.RemoveAll(s => s.Name == sysctl.Name);
            sysctls.Add(sysctl);
        }
    }

    private static IEnumerable<TuningSysctl> ReadSysctls(ConfigObject? section, string ifName)
    {
        if (section is not { } present)
        {
            yield break;
        }

        foreach (JsonProperty property in present.Element.EnumerateObject())
        {
            string value = new ConfigObject(present.Element, present.Path).Text(property.Name)
                ?? throw CniException.InvalidConfig($"{present.PathOf(property.Name)} must be a string");
            yield return new TuningSysctl(property.Name, NameOf(property.Name, ifName), value);
        }
    }

    /// <summary>
    /// The path below /proc/sys. As in sysctl(8) a key whose parts are separated by slashes may have dots in them, as names of interfaces do; in
    /// others dots separate. IFNAME stands for the interface's name.
    /// </summary>
    private static string NameOf(string key, string ifName)
    {
        int first = key.AsSpan().IndexOfAny('.', '/');
        string path = first >= 0 && key[first] == '/' ? key : key.Replace('.', '/');
        int word = path.IndexOf(InterfaceWord, StringComparison.Ordinal);
        path = word < 0 ? path : string.Concat(path.AsSpan(0, word), ifName, path.AsSpan(word + InterfaceWord.Length));
        string[] parts = path.Split('/');
        return parts is ["net", _, ..] && !parts.Any(p => p is "" or "." or "..") && !path.Contains('\0', StringComparison.Ordinal)
            ? path
            : throw CniException.InvalidConfig($"invalid net sysctl key: \"{key}\"");
    }

    private static MacAddress ReadMac(string text) => MacAddress.TryParse(text, out MacAddress mac) && !mac.IsMulticast
        ? mac
        : throw CniException.InvalidConfig($"invalid args {text} for MAC addr: expected six octets of a unicast address, as 02:00:00:00:00:01");

    private static int? Positive(string key, int? value) =>
        value is < 0 ? throw CniException.InvalidConfig($"{key} must not be negative: {value}") : value;
}

/// <summary>A kernel parameter to set.</summary>
/// <param name="Key">As the configuration names it.</param>
/// <param name="Name">Its path below /proc/sys.</param>
/// <param name="Value">The value.</param>
internal sealed record TuningSysctl(string Key, string Name, string Value);
