using Musubi.Cni.RuntimeTests.Cri;
using Musubi.Linux.Processes;

namespace Musubi.Cni.RuntimeTests.Support;

/// <summary>containerd with its CRI plugin, on a host of its own.</summary>
internal sealed class Containerd : IDisposable
{
    private readonly RuntimeHost _host;
    private BackgroundProcess _daemon;

    public Containerd(RuntimeHost host, string network)
    {
        _host = host;
        host.Write("net.d/10-test.conflist", network);
        _daemon = Start();
        try
        {
            host.Run("ctr", "--address", Socket, "--namespace", "k8s.io", "images", "import", "--no-unpack", host.Image);
            WaitUntilReady();
            Eventually.True(() => Cri.HasImage(ScratchImage.Name), () => _daemon.Output);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public CriClient Cri { get; private set; } = null!;

    public string Log => _daemon.Output;

    private string Socket => _host.File("containerd.sock");

    /// <summary>A pod's configuration.</summary>
    public static ProtoMessage Pod(string name, params (int Container, int Host)[] ports)
    {
        ProtoMessage config = new ProtoMessage()
            .Add(1, new ProtoMessage().Add(1, name).Add(2, "uid-" + name).Add(3, "default"))
            .Add(2, name);
        foreach ((int container, int host) in ports)
        {
            config.Add(5, new ProtoMessage().Add(2, (ulong)container).Add(3, (ulong)host));
        }

        return config.Add(8, new ProtoMessage().Add(1, RuntimeHost.ControlGroup));
    }

    /// <summary>Ends the daemon as a crash does, and starts it again.</summary>
    public void Restart()
    {
        _daemon.End(Signal.Kill);
        Cri.Dispose();
        _daemon.Dispose();
        _daemon = Start();
        WaitUntilReady();
    }

    public void Dispose()
    {
        try
        {
            foreach (string sandbox in Cri.Sandboxes())
            {
                Cri.StopPodSandbox(sandbox);
                Cri.RemovePodSandbox(sandbox);
            }
        }
        catch (Exception e) when (e is InvalidOperationException or HttpRequestException)
        {
            // Then its processes are ended below.
        }

        Cri.Dispose();
        if (_daemon.End(Signal.Term) != 0)
        {
            Console.Error.WriteLine(_daemon.Output);
        }

        _daemon.Dispose();
    }

    private void WaitUntilReady() => Eventually.True(() => Cri.NotReady().Count == 0, () => string.Join('\n', Cri.NotReady()) + _daemon.Output);

    private BackgroundProcess Start()
    {
        string config = _host.Write("containerd.toml", $"""
            version = 2
            root = "{_host.File("root")}"
            state = "{_host.File("state")}"
            imports = []
            disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
            [grpc]
              address = "{Socket}"
            [ttrpc]
              address = "{Socket}.ttrpc"
            [plugins."io.containerd.grpc.v1.cri"]
              sandbox_image = "{ScratchImage.Name}"
              disable_apparmor = true
              restrict_oom_score_adj = true
              disable_tcp_service = true
              stream_server_address = "127.0.0.1"
              stream_server_port = "0"
              [plugins."io.containerd.grpc.v1.cri".cni]
                bin_dir = "{_host.Bin}"
                conf_dir = "{_host.File("net.d")}"
              [plugins."io.containerd.grpc.v1.cri".containerd]
                snapshotter = "native"
                default_runtime_name = "runc"
                [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
                  runtime_type = "io.containerd.runc.v2"
                  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
                    Root = "{_host.File("runc")}"

            """);
        BackgroundProcess daemon = new("nsenter", _host.Here("containerd", "--config", config));
        daemon.WaitForLine("containerd successfully booted");
        Cri = new CriClient(Socket);
        return daemon;
    }
}
