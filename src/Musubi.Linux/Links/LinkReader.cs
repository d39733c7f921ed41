using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.Links;

/// <summary>Reads links from the kernel's messages.</summary>
internal static class LinkReader
{
    internal static bool TryReadIndex(in NetlinkMessage message, out LinkIndex index)
    {
        index = default;
        if (message.Type != Rtnl.RTM_NEWLINK)
        {
            return false;
        }

        message.Attributes(out Rtnl.LinkHeader header);
        index = new LinkIndex(header.Index);
        return true;
    }

    /// <summary>As <see cref="TryRead"/>, without what bridges tell about their ports: a port that leaves its bridge is not a link that is gone.</summary>
    internal static bool TryReadChange(in NetlinkMessage message, [MaybeNullWhen(false)] out LinkInfo link)
    {
        link = null;
        return TryReadAny(message, out LinkInfo? read, out byte family) && family == Interop.Libc.AF_UNSPEC && (link = read) is not null;
    }

    internal static bool TryRead(in NetlinkMessage message, [MaybeNullWhen(false)] out LinkInfo link) =>
        TryReadAny(message, out link, out _);

    private static bool TryReadAny(in NetlinkMessage message, [MaybeNullWhen(false)] out LinkInfo link, out byte family)
    {
        link = null;
        family = 0;
        if (message.Type is not (Rtnl.RTM_NEWLINK or Rtnl.RTM_DELLINK))
        {
            return false;
        }

        AttributeReader attributes = message.Attributes(out Rtnl.LinkHeader header);
        family = header.Family;
        LinkInfo result = new() { Index = new LinkIndex(header.Index), Name = "", Flags = (LinkFlags)header.Flags };
        Fields fields = default;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            fields.Read(type, value);
        }

        link = fields.Apply(result);
        return true;
    }

    /// <summary>What the attributes said; turned into a <see cref="LinkInfo"/> at once when all are read.</summary>
    private struct Fields
    {
        private string? _name;
        private string? _alias;
        private string? _kind;
        private List<string>? _names;
        private int _mtu;
        private int _minMtu;
        private int _maxMtu;
        private int _promiscuity;
        private int _txQueueLength;
        private int _txQueues;
        private int _master;
        private int _peer;
        private int? _peerNamespace;
        private uint _group;
        private byte _state;
        private bool _carrier;
        private Addresses.MacAddress? _mac;
        private Addresses.MacAddress? _permanentMac;
        private LinkStatistics _statistics;
        private BridgeDetails? _bridge;
        private BridgePortDetails? _port;
        private MacvlanDetails? _macvlan;
        private VlanDetails? _vlan;
        private IpvlanMode? _ipvlan;
        private uint? _vrf;

        internal void Read(ushort type, Netlink.Attribute value)
        {
            switch (type)
            {
                case Rtnl.IFLA_IFNAME: _name = value.Text; break;
                case Rtnl.IFLA_IFALIAS: _alias = value.Text; break;
                case Rtnl.IFLA_MTU: _mtu = value.Int32; break;
                case Rtnl.IFLA_MIN_MTU: _minMtu = value.Int32; break;
                case Rtnl.IFLA_MAX_MTU: _maxMtu = value.Int32; break;
                case Rtnl.IFLA_PROMISCUITY: _promiscuity = value.Int32; break;
                case Rtnl.IFLA_TXQLEN: _txQueueLength = value.Int32; break;
                case Rtnl.IFLA_NUM_TX_QUEUES: _txQueues = value.Int32; break;
                case Rtnl.IFLA_MASTER: _master = value.Int32; break;
                case Rtnl.IFLA_LINK: _peer = value.Int32; break;
                case Rtnl.IFLA_LINK_NETNSID: _peerNamespace = value.Int32; break;
                case Rtnl.IFLA_GROUP: _group = value.UInt32; break;
                case Rtnl.IFLA_OPERSTATE: _state = value.UInt8; break;
                case Rtnl.IFLA_CARRIER: _carrier = value.UInt8 != 0; break;
                case Rtnl.IFLA_ADDRESS: _mac = value.Mac; break;
                case Rtnl.IFLA_PERM_ADDRESS: _permanentMac = value.Mac; break;
                case Rtnl.IFLA_STATS64: _statistics = MemoryMarshal.TryRead(value.Bytes, out LinkStatistics s) ? s : default; break;
                case Rtnl.IFLA_PROP_LIST: _names = ReadNames(value.Nested); break;
                case Rtnl.IFLA_LINKINFO: ReadKind(value.Nested); break;
            }
        }

        internal readonly LinkInfo Apply(LinkInfo link) => link with
        {
            Name = _name ?? "",
            Alias = _alias,
            AlternativeNames = _names is null ? [] : _names,
            Kind = _kind,
            MtuBytes = _mtu,
            MinMtuBytes = _minMtu,
            MaxMtuBytes = _maxMtu,
            Promiscuity = _promiscuity,
            TxQueueLength = _txQueueLength,
            TxQueues = _txQueues,
            Master = _master == 0 ? null : new LinkIndex(_master),
            PeerIndex = _peer == 0 ? null : new LinkIndex(_peer),
            PeerNamespaceId = _peerNamespace,
            Group = _group,
            OperationalState = (OperationalState)_state,
            Carrier = _carrier,
            Mac = _mac,
            PermanentMac = _permanentMac,
            Statistics = _statistics,
            Bridge = _bridge,
            BridgePort = _port,
            Macvlan = _macvlan,
            Vlan = _vlan,
            IpvlanMode = _ipvlan,
            VrfTable = _vrf,
        };

        private static List<string> ReadNames(AttributeReader attributes)
        {
            List<string> names = [];
            while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
            {
                if (type == Rtnl.IFLA_ALT_IFNAME)
                {
                    names.Add(value.Text);
                }
            }

            return names;
        }

        private void ReadKind(AttributeReader attributes)
        {
            string? masterKind = null;
            while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
            {
                switch (type)
                {
                    case Rtnl.IFLA_INFO_KIND:
                        _kind = value.Text;
                        break;
                    case Rtnl.IFLA_INFO_SLAVE_KIND:
                        masterKind = value.Text;
                        break;
                    case Rtnl.IFLA_INFO_SLAVE_DATA when masterKind == "bridge":
                        _port = LinkDetailsReader.ReadBridgePort(value.Nested);
                        break;
                    case Rtnl.IFLA_INFO_DATA:
                        switch (_kind)
                        {
                            case "bridge": _bridge = LinkDetailsReader.ReadBridge(value.Nested); break;
                            case "macvlan" or "macvtap": _macvlan = LinkDetailsReader.ReadMacvlan(value.Nested); break;
                            case "vlan": _vlan = LinkDetailsReader.ReadVlan(value.Nested); break;
                            case "ipvlan": _ipvlan = LinkDetailsReader.ReadIpvlan(value.Nested); break;
                            case "vrf": _vrf = LinkDetailsReader.ReadVrf(value.Nested); break;
                        }

                        break;
                }
            }
        }
    }
}
