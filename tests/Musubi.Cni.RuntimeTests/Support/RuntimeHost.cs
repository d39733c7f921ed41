using Musubi.Linux.Processes;

namespace Musubi.Cni.RuntimeTests.Support;

/// <summary>
/// A host for a runtime: a network of its own, and a view of the file system in which the places that runtimes do not let anybody choose are empty and
/// end with the test. The plugins are our executable under their names.
/// </summary>
internal sealed class RuntimeHost : IDisposable
{
    /// <summary>The control group of everything the runtimes start.</summary>
    public const string ControlGroup = "/musubi-cni-test";

    private static readonly string[] _places = ["/run/netns", "/run/containerd", "/run/runc", "/run/libpod", "/var/lib/cni", "/var/lib/containers"];

    private readonly TemporaryDirectory _directory = new();
    private readonly string[] _madePlaces;
    private readonly BackgroundProcess _holder;

    public RuntimeHost()
    {
        Network = new TestNamespace("rt");
        Network.Run("ip link set lo up");
        _madePlaces = [.. _places.Where(p => !Directory.Exists(p))];
        Array.ForEach(_madePlaces, p => Directory.CreateDirectory(p));

        // It holds both namespaces; not by `ip netns exec`, which would hide the control groups.
        string script = $"for place in {string.Join(' ', _places)}; do mount -t tmpfs -o mode=755 musubi-test $place || exit 1; done; echo ready; exec sleep 1000000";
        _holder = new BackgroundProcess("nsenter", $"--net={Network.Path}", "unshare", "--mount", "--propagation", "private", "sh", "-c", script);
        _holder.WaitForLine("ready");
        Witness.Run(MusubiCni.Executable, "install", "--bin-dir", Bin);
        Image = _directory.File("image.tar");
        ScratchImage.Write(Image);
    }

    public TestNamespace Network { get; }

    public string Bin => _directory.File("bin");

    public string Image { get; }

    public string File(string name) => _directory.File(name);

    public string Write(string name, string content) => _directory.Write(name, content);

    /// <summary>Arguments of <c>nsenter</c> that run a program on this host.</summary>
    public string[] Here(string program, params string[] arguments) => [$"--target={_holder.Id}", "--mount", "--net", program, .. arguments];

    /// <summary>Runs a program on this host.</summary>
    public string Run(string program, params string[] arguments) => Witness.Run("nsenter", Here(program, arguments));

    /// <summary>A path as it is on this host, for looking into it from outside.</summary>
    public string Inside(string path) => $"/proc/{_holder.Id}/root{path}";

    /// <summary>Names of the containers' namespaces.</summary>
    public IReadOnlyList<string> Namespaces() => [.. Directory.GetFiles(Inside("/run/netns")).Select(f => Path.GetFileName(f))];

    public void Dispose()
    {
        EndProcesses();
        _holder.End(Signal.Kill);
        _holder.Dispose();
        Network.Dispose();
        Array.ForEach(_madePlaces, p => Witness.TryRun("rmdir", p));
        _directory.Dispose();
        foreach (string hierarchy in Directory.GetDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup"))
        {
            // A process is in its group until the kernel is done with it.
            Eventually.True(() => RemoveGroup(hierarchy + ControlGroup), () => $"{hierarchy}{ControlGroup} is in use");
        }
    }

    /// <summary>Ends what outlives a runtime that failed: shims and monitors name this host's directory.</summary>
    private void EndProcesses()
    {
        foreach (string process in Directory.GetDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out _)))
        {
            try
            {
                int id = int.Parse(Path.GetFileName(process));
                if (id != Environment.ProcessId && System.IO.File.ReadAllText(Path.Combine(process, "cmdline")).Contains(_directory.Path, StringComparison.Ordinal))
                {
                    ProcessIdentity.Find(id)?.Kill();
                }
            }
            catch (IOException)
            {
                // It ended meanwhile.
            }
        }
    }

    /// <summary>Removes a control group, with the containers that a runtime that failed left in it; answers whether it is gone.</summary>
    private static bool RemoveGroup(string group)
    {
        if (Directory.Exists(group))
        {
            foreach (string process in System.IO.File.ReadAllLines(Path.Combine(group, "cgroup.procs")))
            {
                ProcessIdentity.Find(int.Parse(process))?.Kill();
            }

            foreach (string below in Directory.GetDirectories(group))
            {
                RemoveGroup(below);
            }

            Witness.TryRun("rmdir", group);
        }

        return !Directory.Exists(group);
    }
}
