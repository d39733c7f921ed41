using System.Runtime.InteropServices;
using Musubi.Launcher.Dhcp;
using Musubi.Launcher.GuestAgent;
using Musubi.Launcher.Qemu;
using Musubi.Linux;
using Musubi.Linux.Netlink;
using Musubi.Machines;

namespace Musubi.Launcher.Network;

/// <summary>All of a machine's interfaces, bound to the pod's, and the DHCP service for them.</summary>
internal sealed class GuestNetwork : IDisposable
{
    private readonly List<Binding> _bindings = [];
    private readonly TextWriter _log;
    private bool _disposed;

    private GuestNetwork(TextWriter log) => _log = log;

    public IReadOnlyList<AttachedInterface> Attached => [.. _bindings.Select(b => b.Attached)];

    public IReadOnlyList<QemuNic> Nics => [.. _bindings.Select(b => b.Nic)];

    /// <summary>What QEMU inherits.</summary>
    public IReadOnlyList<SafeHandle> Handles => [.. _bindings.SelectMany(b => b.Tap.Handles)];

    /// <summary>Binds every interface; what was made is removed again when one cannot be.</summary>
    public static GuestNetwork SetUp(MachineSpec machine, TextWriter log)
    {
        GuestNetwork network = new(log);
        using RouteSocket route = RouteSocket.Open();
        try
        {
            for (int i = 0; i < machine.Interfaces.Count; i++)
            {
                MachineInterface spec = machine.Interfaces[i];
                network._bindings.Add(Bind(route, machine, spec, i));
            }

            return network;
        }
        catch (Exception)
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Serves DHCP on every interface that has a lease, until cancelled.</summary>
    public async Task ServeAsync(CancellationToken ct)
    {
        List<DhcpServer> servers = [];
        try
        {
            foreach (Binding binding in _bindings)
            {
                if (binding.Lease is { } lease)
                {
                    servers.Add(new DhcpServer(binding.Bridge, lease, _log));
                }
            }

            await Task.WhenAll(servers.Select(s => s.RunAsync(ct)));
        }
        finally
        {
            servers.ForEach(s => s.Dispose());
        }
    }

    /// <summary>After QEMU has them, this process needs the taps' descriptors no more.</summary>
    public void CloseDescriptors() => _bindings.ForEach(b => b.Tap.Dispose());

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        CloseDescriptors();
        try
        {
            MasqueradeRules.Remove();
            using RouteSocket route = RouteSocket.Open();
            route.Links.DeleteTogether(_bindings.Select(b => route.Links.Find(b.Bridge)?.Index).OfType<Linux.Links.LinkIndex>());
        }
        catch (LinuxException e)
        {
            // The pod's namespace goes next, and everything in it.
            _log.WriteLine($"could not remove the machine's network: {e.Message}");
        }
    }

    private static Binding Bind(RouteSocket route, MachineSpec machine, MachineInterface spec, int position)
    {
        try
        {
            return spec.Binding switch
            {
                "masquerade" => MasqueradeBinding.SetUp(route, machine, spec),
                "bridge" => BridgeBinding.SetUp(route, machine, spec, position),
                _ => throw new ArgumentException($"binding \"{spec.Binding}\" is not known: it must be masquerade or bridge"),
            };
        }
        catch (LinuxException e)
        {
            throw new InvalidOperationException($"interface {spec.Name} ({spec.Binding} on {spec.PodInterface}): {e.Message}", e);
        }
    }
}
