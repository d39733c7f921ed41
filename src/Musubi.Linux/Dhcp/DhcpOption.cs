namespace Musubi.Linux.Dhcp;

/// <summary>DHCP option codes, with the names of RFC 2132 unless noted. A message may have others.</summary>
public enum DhcpOption : byte
{
    /// <summary>Fills space; has no length.</summary>
    Pad = 0,

    /// <summary>Mask of the client's network.</summary>
    SubnetMask = 1,

    /// <summary>Routers, most wanted first.</summary>
    Router = 3,

    /// <summary>Name servers, most wanted first.</summary>
    DnsServers = 6,

    /// <summary>The client's name.</summary>
    HostName = 12,

    /// <summary>The client's domain.</summary>
    DomainName = 15,

    /// <summary>Largest packet of the link.</summary>
    InterfaceMtu = 26,

    /// <summary>Routes to networks as their address classes have them; <see cref="ClasslessRoutes"/> replaces it.</summary>
    StaticRoutes = 33,

    /// <summary>Time servers.</summary>
    NtpServers = 42,

    /// <summary>The address a client asks for.</summary>
    RequestedAddress = 50,

    /// <summary>How long the address may be used, in seconds.</summary>
    LeaseTime = 51,

    /// <summary>Options go on in the header's file or server name.</summary>
    Overload = 52,

    /// <summary><see cref="DhcpMessageType"/>.</summary>
    MessageType = 53,

    /// <summary>The server's address, by which a client chooses it.</summary>
    ServerId = 54,

    /// <summary>Options a client wants to be told.</summary>
    ParameterList = 55,

    /// <summary>Why a server refuses.</summary>
    Message = 56,

    /// <summary>The largest message a client takes.</summary>
    MaximumSize = 57,

    /// <summary>When the client asks its server to prolong the lease (T1), in seconds.</summary>
    RenewalTime = 58,

    /// <summary>When the client asks any server to prolong the lease (T2), in seconds.</summary>
    RebindingTime = 59,

    /// <summary>What kind of client it is.</summary>
    VendorClass = 60,

    /// <summary>Who the client is.</summary>
    ClientId = 61,

    /// <summary>Boot server's name.</summary>
    TftpServerName = 66,

    /// <summary>Boot file's name.</summary>
    BootFileName = 67,

    /// <summary>What group of users it is of; RFC 3004.</summary>
    UserClass = 77,

    /// <summary>Search list for names; RFC 3397.</summary>
    DomainSearch = 119,

    /// <summary>Routes to networks; RFC 3442.</summary>
    ClasslessRoutes = 121,

    /// <summary>The first number that is everybody's own.</summary>
    FirstPrivate = 224,

    /// <summary>The last number that is everybody's own.</summary>
    LastPrivate = 254,

    /// <summary>The end of the options; has no length.</summary>
    End = 255,
}

/// <summary>Message types of option 53 (RFC 2132, 9.6).</summary>
public enum DhcpMessageType : byte
{
    /// <summary>A client looks for servers.</summary>
    Discover = 1,

    /// <summary>A server offers an address.</summary>
    Offer = 2,

    /// <summary>A client takes an offer, or asks for more time.</summary>
    Request = 3,

    /// <summary>A client found the address in use.</summary>
    Decline = 4,

    /// <summary>A server grants a request.</summary>
    Ack = 5,

    /// <summary>A server refuses a request.</summary>
    Nak = 6,

    /// <summary>A client gives its address back.</summary>
    Release = 7,

    /// <summary>A client with an address wants the other options.</summary>
    Inform = 8,
}
