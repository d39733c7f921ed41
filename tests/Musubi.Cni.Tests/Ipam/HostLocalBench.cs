using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Cni.Tests.Support;

namespace Musubi.Cni.Tests.Ipam;

/// <summary>The host-local plugin with a data directory of its own.</summary>
internal sealed class HostLocalBench : IDisposable
{
    private readonly TemporaryDirectory _data = new();
    private readonly PluginBench _bench = new();

    public string Directory => Path.Combine(_data.Path, "net");

    /// <summary>A configuration around the members of <c>ipam</c>, and more at the top level.</summary>
    public string Config(string ipam, string more = "", string version = "1.1.0") =>
        $$"""{"cniVersion":"{{version}}","name":"net","ipam":{"type":"host-local","dataDir":{{JsonSerializer.Serialize(_data.Path)}}{{(ipam.Length > 0 ? "," : "")}}{{ipam}}}{{(more.Length > 0 ? "," : "")}}{{more}}}""";

    public CniResult Add(string config, string id = "c1", string ifName = "eth0", string? args = null) => _bench.Add("host-local", config, id, ifName: ifName, args: args);

    public string Allocate(string config, string id, string? args = null) => Assert.Single(Add(config, id, args: args).Addresses).Address.ToString();

    public void Del(string config, string id = "c1", string ifName = "eth0") => _bench.Del("host-local", config, id, ifName: ifName);

    public void Check(string config, string id = "c1", string ifName = "eth0") => _bench.Run(CniCommand.Check, "host-local", config, id, ifName: ifName);

    public void Gc(string config) => _bench.Run(CniCommand.Gc, "host-local", config);

    public CniException Refused(string config, string id = "c1", string? args = null) => Assert.Throws<CniException>(() => Add(config, id, args: args));

    /// <summary>Names of the reservations.</summary>
    public IReadOnlyList<string> Reserved() => Reservations.In(Directory);

    public string Read(string name) => File.ReadAllText(Path.Combine(Directory, name));

    public void Write(string name, string content)
    {
        System.IO.Directory.CreateDirectory(Directory);
        File.WriteAllText(Path.Combine(Directory, name), content);
    }

    public void Dispose()
    {
        _bench.Dispose();
        _data.Dispose();
    }
}
