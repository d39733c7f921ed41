using System.Net;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>A server as a message came from it.</summary>
/// <param name="Address">Its address.</param>
/// <param name="Neighbour">Who delivered the message on the link: the server, or the relay or router before it.</param>
internal readonly record struct DhcpPeer(IPAddress Address, MacAddress Neighbour);

/// <summary>How a client's messages get out.</summary>
internal interface IDhcpWire
{
    /// <summary>The client's hardware address.</summary>
    MacAddress Mac { get; }

    /// <summary>Whether answers to an address that the link has not got yet would be lost.</summary>
    bool NeedsBroadcast { get; }

    /// <summary>Sends a message to a server, or to all when there is none to send to.</summary>
    void Send(DhcpMessage message, DhcpPeer? to);
}

/// <summary>What a client has come to.</summary>
internal enum DhcpProgress
{
    /// <summary>Nothing new.</summary>
    None,

    /// <summary>A lease was granted or prolonged.</summary>
    Granted,

    /// <summary>The lease ran out, or a server took it back: the address may not be used any more. The client looks for another.</summary>
    Lost,

    /// <summary>No lease was to be had within the limit.</summary>
    GaveUp,
}

/// <summary>
/// The client's side of the protocol for one lease (RFC 2131, section 4.4), without a socket and without a clock: it is told what time it is and what came
/// in, and says when it wants to be told again.
/// </summary>
internal sealed class DhcpClient(ClientSettings settings, DhcpTiming timing, IDhcpWire wire, Func<uint> random)
{
    /// <summary>A lease is asked to be prolonged this often in quick succession, and then seldom (RFC 2131, 4.4.5).</summary>
    private const int QuickAttempts = 3;

    private const ushort LargestMessage = 1500;
    private static readonly TimeSpan _seldom = TimeSpan.FromSeconds(60);

    private State _state;
    private uint _transaction;
    private TimeSpan _begun;
    private TimeSpan? _deadline;
    private TimeSpan _next;
    private TimeSpan? _listenUntil;
    private TimeSpan _requestUntil;
    private int _sent;
    private LeaseTerms? _offer;

    private enum State
    {
        Idle,
        Selecting,
        Requesting,
        Bound,
        Renewing,
        Rebinding,
    }

    /// <summary>What was granted; null while there is no lease.</summary>
    public LeaseTerms? Terms { get; private set; }

    /// <summary>The acknowledgement that <see cref="Terms"/> are of.</summary>
    public DhcpMessage? Acknowledgement { get; private set; }

    /// <summary>When it was granted.</summary>
    public TimeSpan GrantedAt { get; private set; }

    /// <summary>Who granted it.</summary>
    public DhcpPeer Server { get; private set; }

    /// <summary>The last thing that went wrong; empty when nobody answered at all.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>Whether an answer may come in.</summary>
    public bool IsListening => _state is not (State.Idle or State.Bound) && (_deadline is not null || _listenUntil is not null);

    /// <summary>When <see cref="Advance"/> wants to be called.</summary>
    public TimeSpan? Due => _state switch
    {
        State.Idle => null,
        State.Bound => GrantedAt + Terms!.RenewAfter,
        State.Renewing => Earliest(_next, GrantedAt + Terms!.RebindAfter, _listenUntil),
        State.Rebinding => Earliest(_next, GrantedAt + Terms!.Lifetime, _listenUntil),
        _ => Earliest(_next, _deadline ?? TimeSpan.MaxValue, _listenUntil),
    };

    /// <summary>Begins to look for a lease.</summary>
    public void Start(TimeSpan now)
    {
        Select(now);
        _deadline = now + timing.Limit;
    }

    /// <summary>Begins to look for a lease in place of a lost one, for as long as it takes.</summary>
    public void StartAgain(TimeSpan now) => Select(now);

    /// <summary>Goes on with a lease that an earlier process was granted.</summary>
    public void Resume(DhcpMessage acknowledgement, LeaseTerms terms, DhcpPeer server, TimeSpan grantedAt)
    {
        (Acknowledgement, Terms, Server, GrantedAt) = (acknowledgement, terms, server, grantedAt);
        _state = State.Bound;
    }

    /// <summary>Does what is due.</summary>
    public DhcpProgress Advance(TimeSpan now)
    {
        if (_listenUntil <= now)
        {
            _listenUntil = null;
        }

        switch (_state)
        {
            case State.Idle:
            case State.Bound when now < GrantedAt + Terms!.RenewAfter:
                return DhcpProgress.None;
            case State.Bound or State.Renewing or State.Rebinding:
                return Prolong(now);
        }

        if (_deadline <= now)
        {
            _state = State.Idle;
            return DhcpProgress.GaveUp;
        }

        if (now >= _next)
        {
            if (_state == State.Requesting && now >= _requestUntil)
            {
                Problem = $"server {IpText.Format(_offer!.Server)} offered {_offer.Address} and did not confirm it";
                _state = State.Selecting;
                _transaction = random();
            }

            Ask(now);
        }

        return DhcpProgress.None;
    }

    /// <summary>Takes in a message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="neighbour">Who delivered it on the link.</param>
    /// <param name="now">The time.</param>
    public DhcpProgress Receive(DhcpMessage message, MacAddress neighbour, TimeSpan now)
    {
        if (!message.IsReply || message.TransactionId != _transaction || message.ClientMac != wire.Mac)
        {
            return DhcpProgress.None;
        }

        switch (_state, message.Type)
        {
            case (State.Selecting, DhcpMessageType.Offer):
                if (Read(message) is { } offer)
                {
                    _offer = offer;
                    _state = State.Requesting;
                    _sent = 0;
                    _requestUntil = now + timing.Answer;
                    Ask(now);
                }

                return DhcpProgress.None;
            case (State.Requesting or State.Renewing or State.Rebinding, DhcpMessageType.Ack):
                if (Read(message) is not { } terms)
                {
                    return DhcpProgress.None;
                }

                (Acknowledgement, Terms, Server, GrantedAt) = (message, terms, new DhcpPeer(terms.Server, neighbour), now);
                _state = State.Bound;
                _deadline = _listenUntil = null;
                return DhcpProgress.Granted;
            case (State.Requesting, DhcpMessageType.Nak):
                Refused(message);
                _state = State.Selecting;
                _transaction = random();
                _next = now + Jitter(timing.PauseAfter(++_sent));
                return DhcpProgress.None;
            case (State.Renewing or State.Rebinding, DhcpMessageType.Nak):
                Refused(message);
                return Lose(now);
            default:
                return DhcpProgress.None;
        }
    }

    /// <summary>Gives the lease back. The server is not asked to confirm it (RFC 2131, 4.4.6).</summary>
    public void Release()
    {
        if (Terms is { } terms)
        {
            wire.Send(Message(DhcpMessageType.Release, terms.Address.Address, [new(DhcpOption.ServerId, terms.Server.GetAddressBytes())]), Server);
        }

        Terms = null;
        _state = State.Idle;
    }

    private DhcpProgress Prolong(TimeSpan now)
    {
        TimeSpan age = now - GrantedAt;
        if (age >= Terms!.Lifetime)
        {
            Problem = $"the lease of {Terms.Address} ran out";
            return Lose(now);
        }

        State wanted = age >= Terms.RebindAfter ? State.Rebinding : State.Renewing;
        if (_state != wanted)
        {
            _state = wanted;
            _begun = _next = now;
            _sent = 0;
            _transaction = random();
        }

        if (now >= _next)
        {
            _sent++;
            _listenUntil = now + timing.Answer;
            TimeSpan half = ((wanted == State.Renewing ? Terms.RebindAfter : Terms.Lifetime) - age) / 2;
            _next = now + Jitter(_sent <= QuickAttempts ? timing.PauseAfter(_sent + 1) : half > _seldom ? half : _seldom);
            wire.Send(Message(DhcpMessageType.Request, Terms.Address.Address, Wishes()), wanted == State.Renewing ? Server : null);
        }

        return DhcpProgress.None;
    }

    private DhcpProgress Lose(TimeSpan now)
    {
        Terms = null;
        Acknowledgement = null;
        Select(now);
        return DhcpProgress.Lost;
    }

    private void Select(TimeSpan now)
    {
        _state = State.Selecting;
        _transaction = random();
        _begun = _next = now;
        _deadline = null;
        _sent = 0;
    }

    /// <summary>Sends DISCOVER, or REQUEST for an offer.</summary>
    private void Ask(TimeSpan now)
    {
        _sent++;
        _next = now + Jitter(timing.PauseAfter(_sent));
        _listenUntil = now + timing.Answer;
        wire.Send(
            _state == State.Selecting
                ? Message(DhcpMessageType.Discover, IPAddress.Any, Wishes(), now)
                : Message(DhcpMessageType.Request, IPAddress.Any,
                    [
                        new(DhcpOption.RequestedAddress, _offer!.Address.Address.GetAddressBytes()),
                        new(DhcpOption.ServerId, _offer.Server.GetAddressBytes()),
                        .. Wishes(),
                    ],
                    now),
            to: null);
    }

    private IEnumerable<KeyValuePair<DhcpOption, byte[]>> Wishes() =>
    [
        new(DhcpOption.ParameterList, settings.ParameterList),
        new(DhcpOption.MaximumSize, [LargestMessage >> 8, LargestMessage & 0xff]),
    ];

    private DhcpMessage Message(DhcpMessageType type, IPAddress own, IEnumerable<KeyValuePair<DhcpOption, byte[]>> options, TimeSpan? now = null) => new()
    {
        Type = type,
        TransactionId = type == DhcpMessageType.Release ? random() : _transaction,
        Seconds = now is { } time ? (ushort)Math.Clamp((time - _begun).TotalSeconds, 0, ushort.MaxValue) : (ushort)0,
        Broadcast = own.Equals(IPAddress.Any) && wire.NeedsBroadcast,
        ClientAddress = own,
        ClientMac = wire.Mac,
        Options = [.. settings.Options, .. options.Where(o => !settings.Options.Any(p => p.Key == o.Key))],
    };

    private LeaseTerms? Read(DhcpMessage message)
    {
        LeaseTerms? terms = LeaseTerms.Read(message, out string problem);
        Problem = terms is null ? problem : Problem;
        return terms;
    }

    private void Refused(DhcpMessage message)
    {
        string server = message.FindAddress(DhcpOption.ServerId) is { } id ? IpText.Format(id) : "a server";
        string why = message.Find(DhcpOption.Message) is { Length: > 0 } text
            ? ": " + new string([.. System.Text.Encoding.UTF8.GetString(text).Where(c => !char.IsControl(c))])
            : "";
        Problem = $"{server} refused the request{why}";
    }

    /// <summary>A tenth more or less, so that clients that began together do not go on together.</summary>
    private TimeSpan Jitter(TimeSpan pause) => pause * (0.9 + (random() % 1000 / 5000.0));

    private static TimeSpan Earliest(TimeSpan a, TimeSpan b, TimeSpan? c)
    {
        TimeSpan first = a < b ? a : b;
        return c < first ? c.Value : first;
    }
}
