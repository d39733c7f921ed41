using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Conformance;

/// <summary>A host with a container and a set of plugins, which are run as a runtime runs them.</summary>
/// <remarks>
/// The host has <c>eth1</c> with the default route, and <c>spare</c>, which nothing uses.
/// </remarks>
internal sealed class Side : IDisposable
{
    public const string Setup = """
        link set lo up
        link add eth1 address 02:00:00:00:01:01 type veth peer name far1 address 02:00:00:00:01:11
        link add spare address 02:00:00:00:01:02 type veth peer name far2 address 02:00:00:00:01:12
        link set eth1 up
        link set far1 up
        link set far2 up
        address add 192.0.2.10/24 dev eth1
        route add default via 192.0.2.1

        """;

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);
    private readonly string _plugins;
    private readonly TemporaryDirectory _state = new();
    private readonly TestNamespace _host = new("host");
    private readonly TestNamespace _pod = new("pod");

    public Side(string plugins)
    {
        _plugins = plugins;
        _state.Write("resolv.conf", "nameserver 192.0.2.53\nsearch c.test\n");
        Run("ip", ["-n", _host.Name, "-batch", "-"], Setup);
    }

    /// <summary>Attaches, checks and detaches twice; what was answered and what could be seen meanwhile.</summary>
    public Observation Play(Scenario scenario)
    {
        List<Answer> answers = [];
        string? result = null;
        foreach (string plugin in scenario.Plugins)
        {
            Answer answer = Call("ADD", scenario, plugin, result);
            answers.Add(answer);
            if (!answer.Succeeded)
            {
                result = null;
                break;
            }

            result = answer.Output;
        }

        bool attached = answers.TrueForAll(a => a.Succeeded);
        JsonObject after = Look();
        if (attached && string.CompareOrdinal(scenario.Version, "0.4.0") >= 0)
        {
            answers.AddRange(scenario.Plugins.Select(plugin => Call("CHECK", scenario, plugin, result)));
        }

        string? remembered = string.CompareOrdinal(scenario.Version, "0.4.0") >= 0 ? result : null;
        answers.AddRange(scenario.Plugins.Reverse().Select(plugin => Call("DEL", scenario, plugin, remembered)));
        JsonObject end = Look();
        answers.AddRange(scenario.Plugins.Reverse().Select(plugin => Call("DEL", scenario, plugin, remembered)));
        return new Observation(attached, [.. answers.Select(a => a with { Output = Anonymous(a.Output) })], after, end);
    }

    public void Dispose()
    {
        _pod.Dispose();
        _host.Dispose();
        _state.Dispose();
    }

    /// <summary>Runs a plugin on the host, with the keys that a runtime injects.</summary>
    private Answer Call(string command, Scenario scenario, string plugin, string? previous)
    {
        JsonObject config = JsonNode.Parse(plugin.Replace("@STATE@", _state.Path, StringComparison.Ordinal))!.AsObject();
        string type = (string)config["type"]!;
        config.Insert(0, "cniVersion", scenario.Version);
        config.Insert(1, "name", "net");
        if (previous is not null)
        {
            config["prevResult"] = JsonNode.Parse(previous);
        }

        Dictionary<string, string> variables = new()
        {
            ["CNI_COMMAND"] = command,
            ["CNI_CONTAINERID"] = "c1",
            ["CNI_NETNS"] = _pod.Path,
            ["CNI_IFNAME"] = "eth0",
            ["CNI_ARGS"] = scenario.Args,
            ["CNI_PATH"] = _plugins,
        };
        (int code, string output) = Run("nsenter", [$"--net={_host.Path}", Path.Combine(_plugins, type)], config.ToJsonString(), variables);
        return new Answer(command, type, code == 0, output);
    }

    private JsonObject Look()
    {
        JsonObject files = [];
        foreach (string file in Directory.EnumerateFiles(_state.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            files[Path.GetRelativePath(_state.Path, file)] = File.ReadAllText(file);
        }

        return new JsonObject { ["host"] = Look(_host), ["pod"] = Look(_pod), ["files"] = files };
    }

    /// <summary>What the distribution's tools say of a namespace, in the order of <see cref="Observation.Views"/>.</summary>
    private JsonObject Look(TestNamespace where)
    {
        // Few processes: under an emulated processor each of them takes its time.
        const string Script = "ip -j -d -batch -; ip -j -6 rule; bridge -j vlan; tc -j qdisc; nft -j list ruleset;"
            + "cd /proc/sys/net; read four <ipv4/ip_forward; read six <ipv6/conf/all/forwarding; echo \"[$four,$six]\"";
        string said = Run("nsenter", [$"--net={where.Path}", "sh", "-c", Script], "address\nroute show table all\nrule\n").Output;
        JsonObject seen = [];
        Utf8JsonReader reader = new(Encoding.UTF8.GetBytes(Anonymous(said)), new JsonReaderOptions { AllowMultipleValues = true });
        foreach (string view in Observation.Views)
        {
            Assert.True(reader.Read(), said);
            seen[view] = JsonNode.Parse(ref reader);
        }

        return seen;
    }

    /// <summary>Text with the names of this side's namespace replaced by what is the same on both.</summary>
    private string Anonymous(string text) => text.Replace(_pod.Path, "@POD@", StringComparison.Ordinal);

    private (int Code, string Output) Run(string program, string[] arguments, string input, Dictionary<string, string>? variables = null)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in variables ?? [])
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        if (!process.WaitForExit(_limit))
        {
            process.Kill();
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within {_limit}");
        }

        return variables is null && process.ExitCode != 0
            ? throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors.Result}")
            : (process.ExitCode, output);
    }
}
