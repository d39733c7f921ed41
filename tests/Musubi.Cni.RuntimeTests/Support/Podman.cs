namespace Musubi.Cni.RuntimeTests.Support;

/// <summary>podman with its CNI backend, on a host of its own.</summary>
internal sealed class Podman : IDisposable
{
    private readonly RuntimeHost _host;

    public Podman(RuntimeHost host)
    {
        _host = host;
        host.Write("containers.conf", $"""
            [containers]
            # The usual limits are above what this process itself may have on some machines.
            default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
            log_driver = "k8s-file"
            [engine]
            cgroup_manager = "cgroupfs"
            events_logger = "none"
            runtime = "runc"
            tmp_dir = "{host.File("tmp")}"
            static_dir = "{host.File("static")}"
            volume_path = "{host.File("volumes")}"
            [network]
            network_backend = "cni"
            cni_plugin_dirs = ["{host.Bin}"]
            network_config_dir = "{host.File("net.d")}"

            """);
        host.Write("storage.conf", $"""
            [storage]
            driver = "vfs"
            graphroot = "{host.File("root")}"
            runroot = "{host.File("run")}"

            """);
        try
        {
            Run("load", "--input", host.Image);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Runs podman; it must succeed. Answers what it printed.</summary>
    public string Run(params string[] arguments) => _host.Run("env", [
        $"CONTAINERS_CONF={_host.File("containers.conf")}", $"CONTAINERS_STORAGE_CONF={_host.File("storage.conf")}", "podman", .. arguments]).TrimEnd();

    /// <summary>Starts a container of the image; the command's own arguments may follow the image's name.</summary>
    public void Start(string name, string network, string[] options, params string[] command) => Run([
        "run", "--detach", "--name", name, "--network", network, "--cgroup-parent", RuntimeHost.ControlGroup, .. options, ScratchImage.Name, .. command]);

    public void Dispose()
    {
        try
        {
            Run("rm", "--all", "--force", "--time", "0");
            Run("network", "prune", "--force");
        }
        catch (InvalidOperationException e)
        {
            Console.Error.WriteLine(e.Message);
        }
    }
}
