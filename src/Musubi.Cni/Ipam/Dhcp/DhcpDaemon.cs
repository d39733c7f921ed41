using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Events;
using Musubi.Linux.Sockets;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>Serves the dhcp plugin: gets leases, keeps them alive, gives them back. One thread does it all.</summary>
internal sealed class DhcpDaemon : IDisposable
{
    /// <summary>Plugins ask one question each; more at once are let wait in the listener's queue.</summary>
    private const int MostConnections = 256;

    private static readonly TimeSpan _acceptPause = TimeSpan.FromMilliseconds(100);

    private readonly EventLoop _loop;
    private readonly LocalListener _listener;
    private readonly LeaseStore _store;
    private readonly KeeperContext _context;
    private readonly TextWriter _log;
    private readonly Dictionary<LeaseKey, LeaseKeeper> _keepers = [];
    private readonly HashSet<DaemonConnection> _connections = [];
    private readonly LoopTimer _pause;
    private IDisposable? _watch;

    /// <summary>Makes a daemon, which takes up the leases of the one before it. The loop, listener and store stay the caller's.</summary>
    public DhcpDaemon(EventLoop loop, LocalListener listener, LeaseStore store, DaemonOptions options, TextWriter log)
    {
        _loop = loop;
        _listener = listener;
        _store = store;
        _log = log;
        _context = new KeeperContext(loop, options, store, log);
        foreach (LeaseRecord record in store.Load())
        {
            TakeUp(record);
        }

        _pause = loop.Timer(Listen);
        Listen();
    }

    /// <summary>Leaves the leases to the next daemon.</summary>
    public void Dispose()
    {
        _pause.Set(null);
        _watch?.Dispose();
        foreach (LeaseKeeper keeper in _keepers.Values)
        {
            keeper.LeaveBehind();
        }

        foreach (DaemonConnection connection in _connections.ToArray())
        {
            connection.Dispose();
        }
    }

    private void TakeUp(LeaseRecord record)
    {
        try
        {
            if (LeaseKeeper.Resume(_context, record) is { } keeper)
            {
                Keep(keeper);
                _log.WriteLine(keeper.Terms is { } terms ? $"{record.Key}: going on with {terms.Address}" : $"{record.Key}: looking on for a lease");
                return;
            }

            _log.WriteLine($"{record.Key}: the interface is gone, and the lease with it");
        }
        catch (LinuxException e)
        {
            _log.WriteLine($"{record.Key}: the lease is dropped: {e.Message}");
        }

        try
        {
            _store.Remove(record.Key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.WriteLine($"{record.Key}: the record could not be removed: {e.Message}");
        }
    }

    private void Listen() => _watch ??= _loop.WatchReadable(_listener.Handle, Accept);

    /// <summary>A connection that cannot be taken now stays readable: without a pause, the loop would do nothing but ask for it.</summary>
    private void PauseListening()
    {
        _watch?.Dispose();
        _watch = null;
        _pause.Set(_loop.Now + _acceptPause);
    }

    private void Accept()
    {
        try
        {
            while (_connections.Count < MostConnections)
            {
                if (_listener.TryAccept() is not { } socket)
                {
                    return;
                }

                DaemonConnection connection = new(_loop, socket, Answer);
                _connections.Add(connection);
                connection.Closed += () => _connections.Remove(connection);
            }

            PauseListening();
        }
        catch (LinuxException e)
        {
            _log.WriteLine(e.Message);
            PauseListening();
        }
    }

    /// <summary>Answers a request, at once or later.</summary>
    /// <returns>Called when whoever asked is gone before there is an answer.</returns>
    private Action? Answer(ConfigObject request, DaemonConnection connection)
    {
        switch (request.Text("verb"))
        {
            case DaemonProtocol.Allocate:
                return Allocate(request, connection);
            case DaemonProtocol.Check:
                Check(request);
                break;
            case DaemonProtocol.Release:
                _keepers.GetValueOrDefault(KeyOf(request))?.Release();
                break;
            case DaemonProtocol.Collect:
                Collect(request);
                break;
            case DaemonProtocol.Status:
                break;
            default:
                throw new CniException(CniErrorCode.Internal, $"the daemon does not know \"{request.Text("verb")}\"");
        }

        connection.Reply(DaemonProtocol.Write(json => json.WriteNumber("leases", _keepers.Count)));
        return null;
    }

    private Action Allocate(ConfigObject request, DaemonConnection connection)
    {
        LeaseKey key = KeyOf(request);
        string netns = request.Text("netns") ?? "";
        LeasePlace place = Locate(netns, key.IfName);
        LeaseKeeper? keeper = _keepers.GetValueOrDefault(key);
        if (keeper is not null && keeper.Place != place)
        {
            // The interface was made anew without a DEL in between: the old one's lease is not this one's.
            keeper.Release();
            keeper = null;
        }

        keeper ??= Keep(LeaseKeeper.Begin(_context, key, place, SettingsJson.Read(request)));
        return keeper.WaitForLease(
            result => connection.Reply(DaemonProtocol.Result(result)),
            error => connection.Reply(DaemonProtocol.Error(error)));
    }

    private void Check(ConfigObject request)
    {
        LeaseKey key = KeyOf(request);
        if (_keepers.GetValueOrDefault(key) is not { Terms: not null } keeper)
        {
            throw new CniException(CniErrorCode.Internal, $"there is no lease of {key}");
        }

        if (keeper.Place != Locate(request.Text("netns") ?? "", key.IfName))
        {
            throw new CniException(CniErrorCode.Internal, $"the lease of {key} is of another interface than the one of that name now");
        }
    }

    private void Collect(ConfigObject request)
    {
        string network = request.Text("network") ?? "";
        HashSet<(string, string)> valid = [.. (request.Objects("valid") ?? []).Select(v => (v.Text("containerId") ?? "", v.Text("ifName") ?? ""))];
        foreach (LeaseKeeper keeper in _keepers.Values.Where(k => k.Key.Network == network && !valid.Contains((k.Key.ContainerId, k.Key.IfName))).ToArray())
        {
            keeper.Release();
        }
    }

    private LeasePlace Locate(string netns, string ifName) =>
        LeaseWire.Locate(_context.Options.HostPrefix, netns, ifName)
            ?? throw new CniException(CniErrorCode.Internal, $"there is no interface \"{ifName}\" in namespace {_context.Options.HostPrefix}{netns}, as the daemon sees it");

    private LeaseKeeper Keep(LeaseKeeper keeper)
    {
        _keepers[keeper.Key] = keeper;
        keeper.Ended += () =>
        {
            if (ReferenceEquals(_keepers.GetValueOrDefault(keeper.Key), keeper))
            {
                _keepers.Remove(keeper.Key);
            }
        };
        return keeper;
    }

    private static LeaseKey KeyOf(ConfigObject request) =>
        new(request.Text("containerId") ?? "", request.Text("network") ?? "", request.Text("ifName") ?? "");
}
