using System.Text;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;
using Musubi.Linux.Namespaces;

namespace Musubi.Cni.Tests.Support;

/// <summary>Calls plugins the way a runtime does, with books of its own and, when given, a host of its own.</summary>
internal sealed class PluginBench : IDisposable
{
    private readonly TemporaryDirectory _state = new();

    public PluginBench(NetworkNamespace? host = null) =>
        Environment = new PluginEnvironment(new DelegateRunner(ownExecutable: null, preferOwn: true), host, Log)
        {
            StateDirectory = _state.Path,
            RuntimeDirectory = _state.File("run"),
            PolicyDirectory = _state.File("etc"),
        };

    public StringWriter Log { get; } = new();

    public PluginEnvironment Environment { get; }

    public string StateDirectory => _state.Path;

    public string Args { get; init; } = "";

    public CniResult Add(string type, string config, string id = "c1", string netns = "", string ifName = "eth0", string? args = null) =>
        Run(CniCommand.Add, type, config, id, netns, ifName, args)!;

    public void Del(string type, string config, string id = "c1", string netns = "", string ifName = "eth0") =>
        Run(CniCommand.Del, type, config, id, netns, ifName);

    public void Check(string type, string config, CniResult result, string id = "c1", string netns = "", string ifName = "eth0") =>
        Run(CniCommand.Check, type, WithPrevious(config, result), id, netns, ifName);

    public CniResult? Run(CniCommand command, string type, string config, string id = "c1", string netns = "", string ifName = "eth0", string? args = null) =>
        PluginRunner.Run(
            PluginCatalog.Find(type)!,
            new CniInvocation
            {
                Command = command,
                ContainerId = id,
                Netns = netns,
                IfName = ifName,
                Args = args ?? Args,
                Config = Encoding.UTF8.GetBytes(config),
            },
            Environment)?.Result;

    /// <summary>The configuration as a runtime hands it to CHECK and to chained plugins.</summary>
    public static string WithPrevious(string config, CniResult result)
    {
        CniVersion version = CniVersion.Parse(ConfigObject.Parse(Encoding.UTF8.GetBytes(config)).Text("cniVersion"));
        string previous = Encoding.UTF8.GetString(CniResultJson.Write(result, version));
        return $$"""{"prevResult":{{previous}},{{config.Trim()[1..]}}""";
    }

    public void Dispose() => _state.Dispose();
}
