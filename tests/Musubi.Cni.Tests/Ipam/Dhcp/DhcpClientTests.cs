using System.Buffers.Binary;
using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Cni.Ipam.Dhcp;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;

namespace Musubi.Cni.Tests.Ipam.Dhcp;

/// <summary>The client alone, with a clock and a wire of the test's.</summary>
public sealed class DhcpClientTests : IDhcpWire
{
    private static readonly MacAddress _mac = MacAddress.Parse("02:00:00:00:00:07");
    private static readonly MacAddress _serverMac = MacAddress.Parse("02:00:00:00:00:01");
    private static readonly DhcpTiming _timing = new() { Answer = TimeSpan.FromSeconds(10), LongestPause = TimeSpan.FromSeconds(30), Limit = TimeSpan.FromSeconds(100) };

    private readonly List<(TimeSpan At, DhcpMessage Message, DhcpPeer? To)> _sent = [];
    private readonly DhcpClient _client;
    private TimeSpan _now = TimeSpan.FromSeconds(1000);
    private uint _random = 500;

    public DhcpClientTests() => _client = new DhcpClient(
        new ClientSettings { Options = [new(DhcpOption.ClientId, [0, 1, 2])], ParameterList = [1, 3] }, _timing, this, () => _random += 500);

    MacAddress IDhcpWire.Mac => _mac;

    bool IDhcpWire.NeedsBroadcast => false;

    void IDhcpWire.Send(DhcpMessage message, DhcpPeer? to) => _sent.Add((_now, message, to));

    private DhcpMessage Last => _sent[^1].Message;

    private static byte[] Four(string address) => IpText.ParseAddress(address).GetAddressBytes();

    private static byte[] Seconds(uint seconds)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, seconds);
        return bytes;
    }

    private DhcpProgress Answer(DhcpMessageType type, string address = "10.0.0.5", uint lease = 3600, params (DhcpOption Option, byte[] Value)[] more) =>
        _client.Receive(
            new DhcpMessage
            {
                Type = type,
                IsReply = true,
                TransactionId = Last.TransactionId,
                YourAddress = IpText.ParseAddress(address),
                ClientMac = _mac,
                Options =
                [
                    new(DhcpOption.ServerId, Four("10.0.0.1")),
                    new(DhcpOption.SubnetMask, Four("255.255.255.0")),
                    new(DhcpOption.LeaseTime, Seconds(lease)),
                    .. more.Select(m => new KeyValuePair<DhcpOption, byte[]>(m.Option, m.Value)),
                ],
            },
            _serverMac,
            _now);

    /// <summary>Lets time pass, from one thing due to the next.</summary>
    private List<DhcpProgress> Pass(TimeSpan time)
    {
        TimeSpan end = _now + time;
        List<DhcpProgress> seen = [];
        while (_client.Due is { } due && due <= end)
        {
            _now = due > _now ? due : _now;
            if (_client.Advance(_now) is var progress && progress != DhcpProgress.None)
            {
                seen.Add(progress);
            }
        }

        _now = end;
        return seen;
    }

    private void Bind(uint lease = 3600)
    {
        _client.Start(_now);
        Pass(TimeSpan.Zero);
        Answer(DhcpMessageType.Offer, lease: lease);
        Assert.Equal(DhcpProgress.Granted, Answer(DhcpMessageType.Ack, lease: lease));
    }

    [Fact]
    public void Start_DiscoversAtOnce_AndRepeatsSoonAndThenSeldom()
    {
        _client.Start(_now);
        Pass(TimeSpan.FromSeconds(70));

        double[] pauses = [.. _sent.Zip(_sent.Skip(1), (a, b) => (b.At - a.At).TotalSeconds)];
        double[] wanted = [0.3, 1, 2, 4, 8, 16, 30];
        Assert.All(pauses.Zip(wanted), p => Assert.InRange(p.First, p.Second * 0.89, p.Second * 1.11));
        Assert.All(_sent, s => Assert.Equal((DhcpMessageType.Discover, null), (s.Message.Type, s.To)));
        Assert.Single(_sent.Select(s => s.Message.TransactionId).Distinct());
        Assert.InRange(Last.Seconds, 30, 70);
    }

    [Fact]
    public void Offer_IsRequestedFromItsServer()
    {
        _client.Start(_now);
        Pass(TimeSpan.Zero);
        Answer(DhcpMessageType.Offer);

        Assert.Equal(DhcpMessageType.Request, Last.Type);
        Assert.Equal("10.0.0.5", IpText.Format(Last.FindAddress(DhcpOption.RequestedAddress)!));
        Assert.Equal("10.0.0.1", IpText.Format(Last.FindAddress(DhcpOption.ServerId)!));
        Assert.Equal([0, 1, 2], Last.Find(DhcpOption.ClientId));
        Assert.Equal([1, 3], Last.Find(DhcpOption.ParameterList));
        Assert.Equal(IPAddress.Any, Last.ClientAddress);
    }

    [Fact]
    public void Acknowledgement_GrantsTheLease()
    {
        Bind();

        Assert.Equal("10.0.0.5/24", _client.Terms!.Address.ToString());
        Assert.Equal(_now + TimeSpan.FromSeconds(1800), _client.Due);
        Assert.False(_client.IsListening);
    }

    [Fact]
    public void Answer_OfAnotherTransactionOrClient_IsIgnored()
    {
        _client.Start(_now);
        Pass(TimeSpan.Zero);
        DhcpMessage offer = new() { Type = DhcpMessageType.Offer, IsReply = true, TransactionId = Last.TransactionId + 1, ClientMac = _mac };

        _client.Receive(offer, _serverMac, _now);
        _client.Receive(offer with { TransactionId = Last.TransactionId, ClientMac = _serverMac }, _serverMac, _now);
        _client.Receive(offer with { TransactionId = Last.TransactionId, IsReply = false }, _serverMac, _now);

        Assert.Single(_sent);
    }

    [Fact]
    public void Nobody_Answers_GivesUpAtTheLimit()
    {
        _client.Start(_now);

        Assert.Equal([DhcpProgress.GaveUp], Pass(TimeSpan.FromSeconds(200)));
        Assert.Null(_client.Due);
    }

    [Fact]
    public void OfferWithoutMask_IsNoOffer_AndTheReasonIsKept()
    {
        _client.Start(_now);
        Pass(TimeSpan.Zero);
        _client.Receive(
            new DhcpMessage { Type = DhcpMessageType.Offer, IsReply = true, TransactionId = Last.TransactionId, ClientMac = _mac, YourAddress = IpText.ParseAddress("10.0.0.5"), Options = [new(DhcpOption.ServerId, Four("10.0.0.1"))] },
            _serverMac,
            _now);

        Assert.Equal(DhcpMessageType.Discover, Last.Type);
        Assert.Equal("server 10.0.0.1 gives no subnet mask (option 1)", _client.Problem);
    }

    [Fact]
    public void Offer_NotConfirmed_IsForgotten()
    {
        _client.Start(_now);
        Pass(TimeSpan.Zero);
        Answer(DhcpMessageType.Offer);
        Pass(TimeSpan.FromSeconds(30));

        Assert.Equal(DhcpMessageType.Discover, Last.Type);
        Assert.Equal("server 10.0.0.1 offered 10.0.0.5/24 and did not confirm it", _client.Problem);
    }

    [Fact]
    public void Refusal_OfAnOffer_BeginsAnewAfterAPause()
    {
        _client.Start(_now);
        Pass(TimeSpan.Zero);
        Answer(DhcpMessageType.Offer);
        Answer(DhcpMessageType.Nak, more: (DhcpOption.Message, "address in use\n"u8.ToArray()));

        Assert.Equal(2, _sent.Count);
        Pass(TimeSpan.FromSeconds(3));
        Assert.Equal(DhcpMessageType.Discover, Last.Type);
        Assert.Equal("10.0.0.1 refused the request: address in use", _client.Problem);
    }

    [Fact]
    public void T1_AsksTheServer_AndItsAnswerProlongs()
    {
        Bind();
        Pass(TimeSpan.FromSeconds(1800));

        Assert.Equal(DhcpMessageType.Request, Last.Type);
        Assert.Equal(new DhcpPeer(IpText.ParseAddress("10.0.0.1"), _serverMac), _sent[^1].To);
        Assert.Equal("10.0.0.5", IpText.Format(Last.ClientAddress));
        Assert.Null(Last.Find(DhcpOption.RequestedAddress));
        Assert.Null(Last.Find(DhcpOption.ServerId));
        Assert.True(_client.IsListening);

        Assert.Equal(DhcpProgress.Granted, Answer(DhcpMessageType.Ack));
        Assert.Equal(_now + TimeSpan.FromSeconds(1800), _client.Due);
    }

    [Fact]
    public void T1_WithoutAnswer_ListensForAWhileOnly_AndAsksSeldom()
    {
        Bind();
        Pass(TimeSpan.FromSeconds(1800 + 25));
        Assert.False(_client.IsListening);
        int sent = _sent.Count;

        Pass(TimeSpan.FromSeconds(55));

        Assert.Equal(sent, _sent.Count);
    }

    [Fact]
    public void T2_AsksEverybody()
    {
        Bind();
        Pass(TimeSpan.FromSeconds(3060));

        Assert.Equal((DhcpMessageType.Request, null), (Last.Type, _sent[^1].To));
        Assert.Equal("10.0.0.5", IpText.Format(Last.ClientAddress));
    }

    [Fact]
    public void Expiry_LosesTheLease_AndLooksForAnotherWithoutEnd()
    {
        Bind();

        Assert.Equal([DhcpProgress.Lost], Pass(TimeSpan.FromDays(2)));
        Assert.Null(_client.Terms);
        Assert.Equal(DhcpMessageType.Discover, Last.Type);

        Pass(TimeSpan.FromSeconds(31));
        Answer(DhcpMessageType.Offer, "10.0.0.9");
        Assert.Equal(DhcpProgress.Granted, Answer(DhcpMessageType.Ack, "10.0.0.9"));
        Assert.Equal("10.0.0.9/24", _client.Terms!.Address.ToString());
    }

    [Fact]
    public void Refusal_WhileProlonging_LosesTheLeaseAtOnce()
    {
        Bind();
        Pass(TimeSpan.FromSeconds(1800));

        Assert.Equal(DhcpProgress.Lost, Answer(DhcpMessageType.Nak));
        Assert.Null(_client.Terms);
    }

    [Fact]
    public void TimesOfTheServer_AreHonouredWhenTheyMakeSense()
    {
        _client.Start(_now);
        Pass(TimeSpan.Zero);
        Answer(DhcpMessageType.Offer);
        Answer(DhcpMessageType.Ack, lease: 100, more: [(DhcpOption.RenewalTime, Seconds(20)), (DhcpOption.RebindingTime, Seconds(40))]);
        Assert.Equal((20.0, 40.0), (_client.Terms!.RenewAfter.TotalSeconds, _client.Terms.RebindAfter.TotalSeconds));

        Pass(TimeSpan.FromSeconds(20));
        Answer(DhcpMessageType.Ack, lease: 100, more: [(DhcpOption.RenewalTime, Seconds(90)), (DhcpOption.RebindingTime, Seconds(40))]);
        Assert.Equal((50.0, 85.0), (_client.Terms!.RenewAfter.TotalSeconds, _client.Terms.RebindAfter.TotalSeconds));
    }

    [Fact]
    public void Resume_PastT1_AsksAtOnce()
    {
        Bind();
        DhcpClient second = new(new ClientSettings { Options = [], ParameterList = [] }, _timing, this, () => 7);
        second.Resume(_client.Acknowledgement!, _client.Terms!, _client.Server, _client.GrantedAt);
        _now += TimeSpan.FromSeconds(2000);

        Assert.Equal(DhcpProgress.None, second.Advance(_now));

        Assert.Equal((DhcpMessageType.Request, 7u), (Last.Type, Last.TransactionId));
    }

    [Fact]
    public void Release_TellsTheServer()
    {
        Bind();
        _client.Release();

        Assert.Equal(DhcpMessageType.Release, Last.Type);
        Assert.Equal("10.0.0.5", IpText.Format(Last.ClientAddress));
        Assert.Equal("10.0.0.1", IpText.Format(Last.FindAddress(DhcpOption.ServerId)!));
        Assert.NotNull(_sent[^1].To);
        Assert.Null(_client.Due);
    }

    [Fact]
    public void AnySequenceOfAnswersAndPauses_NeverSpinsAndNeverThrows()
    {
        Gen<(int, int)> step = from what in Gen.Choose(0, 9) from seconds in Gen.Choose(0, 4000) select (what, seconds);
        Prop.ForAll(step.ArrayOf().ToArbitrary(), steps =>
        {
            DhcpClientTests run = new();
            run._client.Start(run._now);
            run.Pass(TimeSpan.Zero);
            int before = run._sent.Count;
            double passed = 0;
            foreach ((int what, int seconds) in steps)
            {
                if (what < 7)
                {
                    run.Answer((DhcpMessageType)what, lease: (uint)seconds);
                }
                else
                {
                    run.Pass(TimeSpan.FromSeconds(seconds));
                    passed += seconds;
                }
            }

            // Shortest lease 2 s: three quick questions for each, at most.
            Assert.InRange(run._sent.Count - before, 0, (4 * passed) + (3 * steps.Length) + 10);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }
}
