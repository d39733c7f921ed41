using Musubi.Cni.Spec;
using Musubi.Linux;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;
using Musubi.Linux.Events;
using Musubi.Linux.Links;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>What the keepers of one daemon share.</summary>
/// <param name="Loop">The daemon's one thread.</param>
/// <param name="Options">How the daemon was started.</param>
/// <param name="Store">Where leases are written down.</param>
/// <param name="Log">Receives remarks.</param>
internal sealed record KeeperContext(EventLoop Loop, DaemonOptions Options, LeaseStore Store, TextWriter Log);

/// <summary>Gets the lease of one interface and keeps it until it is given back or the interface is gone.</summary>
internal sealed class LeaseKeeper : IDhcpWire
{
    private static readonly TimeSpan _linkPause = TimeSpan.FromMilliseconds(10);

    /// <summary>A link that has no carrier by then may be one that never tells.</summary>
    private static readonly TimeSpan _linkLimit = TimeSpan.FromSeconds(5);

    private readonly KeeperContext _context;
    private readonly DhcpClient _client;
    private readonly LoopTimer _timer;
    private readonly ClientSettings _settings;
    private readonly List<Waiter> _waiters = [];
    private LeaseWire? _wire;
    private TimeSpan? _linkReadyBy;

    /// <summary>What the interface and the record have; what the client has is brought there by <see cref="Settle"/>.</summary>
    private LeaseTerms? _inForce;

    /// <summary>Whether a container runs with a lease, or did: another is looked for until it ends.</summary>
    private bool _isHeld;
    private bool _ended;

    private LeaseKeeper(KeeperContext context, LeaseKey key, LeasePlace place, ClientSettings settings)
    {
        _context = context;
        _settings = settings;
        Key = key;
        Place = place;
        _client = new DhcpClient(settings, context.Options.Timing, this, RandomNumber);
        _timer = context.Loop.Timer(OnTimer);
    }

    /// <summary>Called once when there is nothing more to keep.</summary>
    public event Action? Ended;

    public LeaseKey Key { get; }

    public LeasePlace Place { get; }

    /// <summary>The lease; null while there is none.</summary>
    public LeaseTerms? Terms => _client.Terms;

    /// <inheritdoc/>
    MacAddress IDhcpWire.Mac => _wire!.Mac;

    /// <inheritdoc/>
    bool IDhcpWire.NeedsBroadcast => _wire!.NeedsBroadcast;

    /// <summary>Begins to look for a lease.</summary>
    public static LeaseKeeper Begin(KeeperContext context, LeaseKey key, LeasePlace place, ClientSettings settings)
    {
        LeaseKeeper keeper = new(context, key, place, settings);
        keeper._linkReadyBy = context.Loop.Now + _linkLimit;
        keeper._timer.Set(context.Loop.Now);
        return keeper;
    }

    /// <summary>Goes on with a lease of an earlier daemon; null when its interface is gone or the record makes no sense.</summary>
    public static LeaseKeeper? Resume(KeeperContext context, LeaseRecord record)
    {
        LeaseTerms? terms = record.Lease is { } granted ? LeaseTerms.Read(granted.Acknowledgement, out _) : null;
        if ((terms is null && record.Lease is not null) || !LeaseWire.IsThere(context.Options.HostPrefix, record.Place))
        {
            return null;
        }

        LeaseKeeper keeper = new(context, record.Key, record.Place, record.Settings) { _inForce = terms, _isHeld = true };
        if (record.Lease is { } lease)
        {
            keeper._client.Resume(lease.Acknowledgement, terms!, new DhcpPeer(terms!.Server, lease.Neighbour), lease.GrantedAt);
        }
        else
        {
            keeper._client.StartAgain(context.Loop.Now);
        }

        keeper._timer.Set(keeper._client.Due);
        return keeper;
    }

    /// <summary>Tells when there is a lease, or why there is none; at once when it is known.</summary>
    /// <returns>Ends the wait; when nobody waits any more for a first lease, it is given up.</returns>
    public Action WaitForLease(Action<CniResult> granted, Action<CniException> failed)
    {
        if (Terms is { } terms)
        {
            granted(terms.ToResult(_settings.Priority));
            return () => { };
        }

        Waiter waiter = new(granted, failed);
        _waiters.Add(waiter);
        return () =>
        {
            if (_waiters.Remove(waiter) && _waiters.Count == 0 && !_isHeld)
            {
                End("nobody waits for it any more");
            }
        };
    }

    /// <summary>Gives the lease back, from inside the namespace while that is there, and ends.</summary>
    public void Release()
    {
        try
        {
            if (Terms is not null && OpenWire())
            {
                _client.Release();
            }
        }
        catch (Exception e) when (IsTrouble(e))
        {
            Say($"could not be given back: {e.Message}");
        }

        End("released");
    }

    /// <summary>Ends without giving the lease back; it stays written down.</summary>
    public void LeaveBehind()
    {
        _ended = true;
        _timer.Set(null);
        CloseWire();
    }

    /// <inheritdoc/>
    void IDhcpWire.Send(DhcpMessage message, DhcpPeer? to)
    {
        try
        {
            _wire!.Send(message, to);
        }
        catch (LinuxException e)
        {
            // As good as lost on the way: asked again when it is time.
            Say($"{message.Type} not sent: {e.Message}");
        }
    }

    private static uint RandomNumber()
    {
        Span<byte> random = stackalloc byte[sizeof(uint)];
        KernelRandom.Fill(random);
        return BitConverter.ToUInt32(random);
    }

    /// <summary>What the host's state may bring, and may mend again.</summary>
    private static bool IsTrouble(Exception e) => e is LinuxException or IOException or UnauthorizedAccessException;

    private void OnTimer()
    {
        try
        {
            if (!OpenWire())
            {
                End("the interface is gone");
            }
            else if (_linkReadyBy is not { } limit || IsLinkReady(limit))
            {
                Settle();
                Handle(_client.Advance(_context.Loop.Now));
            }
        }
        catch (Exception e) when (IsTrouble(e))
        {
            Fail(e);
        }
    }

    private void OnReceived(LeaseWire wire)
    {
        try
        {
            while (!_ended && ReferenceEquals(wire, _wire) && wire.TryReceive(out MacAddress neighbour, out DhcpMessage? message))
            {
                Handle(_client.Receive(message!, neighbour, _context.Loop.Now));
            }
        }
        catch (LinuxException e) when (e.Errno == Errno.ENETDOWN)
        {
            // The link went down, and may come up again before the next question.
        }
        catch (Exception e) when (IsTrouble(e))
        {
            Fail(e);
        }
    }

    /// <summary>Waits until frames pass: the first questions would be lost, and a server is slow to be asked again.</summary>
    private bool IsLinkReady(TimeSpan limit)
    {
        LinkInfo? link = _wire!.Route.Links.Find(Place.Link);
        if (link is { AdminUp: false })
        {
            _wire.Route.Links.Change(Place.Link, new LinkChange { AdminUp = true });
        }

        bool passes = link is { AdminUp: true, Carrier: true, OperationalState: OperationalState.Up or OperationalState.Unknown };
        if (link is not null && !passes && _context.Loop.Now < limit)
        {
            _timer.Set(_context.Loop.Now + _linkPause);
            return false;
        }

        _linkReadyBy = null;
        _client.Start(_context.Loop.Now);
        return true;
    }

    private void Handle(DhcpProgress progress)
    {
        switch (progress)
        {
            case DhcpProgress.Granted or DhcpProgress.Lost:
                Settle();
                break;
            case DhcpProgress.GaveUp:
                Fail(new CniException(CniErrorCode.TryAgainLater, "no more tries", _client.Problem.Length > 0 ? _client.Problem : "no DHCP server answered"));
                break;
        }

        if (_ended)
        {
            return;
        }

        if (!_client.IsListening)
        {
            CloseWire();
        }

        _timer.Set(_client.Due);
    }

    /// <summary>Brings interface and record to what the client has come to. What failed is done the next time.</summary>
    private void Settle()
    {
        if (_client.Terms is not { } terms)
        {
            if (_inForce is not null)
            {
                OnLost(_inForce);
            }
        }
        else if (!ReferenceEquals(terms, _inForce))
        {
            OnGranted(terms);
        }
    }

    private void OnGranted(LeaseTerms terms)
    {
        _context.Store.Save(new LeaseRecord(
            Key, Place, _settings, new GrantedLease(_client.Acknowledgement!, _client.Server.Neighbour, _client.GrantedAt)));
        _isHeld = true;
        if (_waiters.Count > 0)
        {
            Say($"{terms.Address} from {IpText.Format(terms.Server)} for {terms.Lifetime.TotalSeconds:0} s");
        }
        else if (_inForce is null || _inForce.Address != terms.Address)
        {
            Say($"{terms.Address} from {IpText.Format(terms.Server)} in place of {_inForce?.Address.ToString() ?? "none"}; what the runtime knows of the container is not up to date any more");
            if (LeaseChange.Apply(_wire!.Route, Place.Link, _inForce, terms, _settings.Priority) is { } refused)
            {
                Say(refused.Message);
            }
        }

        _inForce = terms;
        foreach (Waiter waiter in TakeWaiters())
        {
            waiter.Granted(terms.ToResult(_settings.Priority));
        }
    }

    private void OnLost(LeaseTerms terms)
    {
        Say($"{_client.Problem}: the address is taken off the interface until there is a new lease");
        LeaseChange.Withdraw(_wire!.Route, Place.Link, terms);
        _context.Store.Save(new LeaseRecord(Key, Place, _settings, Lease: null));
        _inForce = null;
    }

    private void Fail(Exception e)
    {
        CniException error = e as CniException ?? CniException.Wrap($"lease of {Key}", e);
        Waiter[] waiters = TakeWaiters();
        if (_isHeld)
        {
            // A lease that is held, or was, is not given up for a passing trouble of this host.
            Say(e.Message);
            CloseWire();
            _timer.Set(_context.Loop.Now + _context.Options.Timing.Answer);
        }
        else
        {
            if (_wire is not null)
            {
                // Nobody will ever use what was granted.
                _client.Release();
            }

            End(error.Details ?? error.Message);
        }

        foreach (Waiter waiter in waiters)
        {
            waiter.Failed(error);
        }
    }

    private void End(string why)
    {
        if (_ended)
        {
            return;
        }

        Say($"ended: {why}");
        LeaveBehind();
        try
        {
            _context.Store.Remove(Key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Say($"the record could not be removed: {e.Message}");
        }

        foreach (Waiter waiter in TakeWaiters())
        {
            waiter.Failed(new CniException(CniErrorCode.TryAgainLater, $"lease of {Key}: {why}"));
        }

        Ended?.Invoke();
    }

    private Waiter[] TakeWaiters()
    {
        Waiter[] waiters = [.. _waiters];
        _waiters.Clear();
        return waiters;
    }

    /// <summary>Opens the way to the interface unless it is open; false when the interface is gone.</summary>
    private bool OpenWire()
    {
        // A runtime that removed the namespace would otherwise wait for us to let go of it.
        if (_wire is not null && !LeaseWire.IsThere(_context.Options.HostPrefix, Place))
        {
            return false;
        }

        _wire ??= LeaseWire.Open(_context.Options.HostPrefix, Place, _context.Options.Broadcast, _context.Loop, OnReceived);
        return _wire is not null;
    }

    private void CloseWire()
    {
        _wire?.Dispose();
        _wire = null;
    }

    private void Say(string text) => _context.Log.WriteLine($"{Key}: {text}");

    private sealed record Waiter(Action<CniResult> Granted, Action<CniException> Failed);
}
