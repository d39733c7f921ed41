namespace Musubi.Launcher.Dhcp;

/// <summary>DHCP option codes (RFC 2132 unless noted).</summary>
internal enum DhcpOption : byte
{
    Pad = 0,
    SubnetMask = 1,
    Router = 3,
    DnsServers = 6,
    HostName = 12,
    DomainName = 15,
    InterfaceMtu = 26,
    NtpServers = 42,
    RequestedAddress = 50,
    LeaseTime = 51,
    MessageType = 53,
    ServerId = 54,
    ParameterList = 55,
    ClientId = 61,
    TftpServerName = 66,
    BootFileName = 67,

    /// <summary>RFC 3397.</summary>
    DomainSearch = 119,

    /// <summary>RFC 3442.</summary>
    ClasslessRoutes = 121,
    FirstPrivate = 224,
    LastPrivate = 254,
    End = 255,
}
