using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Musubi.Linux.Links;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.TrafficControl;

/// <summary>Reads answers about traffic control.</summary>
internal static class TcReader
{
    internal const string U32 = "u32";
    internal const string Mirred = "mirred";

    internal static bool TryReadQdisc(in NetlinkMessage message, [MaybeNullWhen(false)] out Qdisc qdisc)
    {
        qdisc = null;
        if (message.Type != Rtnl.RTM_NEWQDISC)
        {
            return false;
        }

        string kind = ReadKind(message, out Tc.Header header, out Netlink.Attribute options);
        uint defaultClass = 0;
        AttributeReader attributes = options.Nested;
        while (kind == Qdisc.Htb && attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            defaultClass = type == Tc.TCA_HTB_INIT ? value.Read<Tc.HtbGlobal>().DefaultClass : defaultClass;
        }

        qdisc = new Qdisc(new LinkIndex(header.Link), kind) { Handle = TcHandle.Of(header.Handle), Parent = TcHandle.Of(header.Parent), DefaultClass = defaultClass };
        return true;
    }

    internal static bool TryReadClass(in NetlinkMessage message, [MaybeNullWhen(false)] out HtbClass shape)
    {
        shape = null;
        if (message.Type != Rtnl.RTM_NEWTCLASS || ReadKind(message, out Tc.Header header, out Netlink.Attribute options) != Qdisc.Htb)
        {
            return false;
        }

        Tc.HtbOptions parameters = default;
        ulong? rate = null;
        ulong? ceiling = null;
        AttributeReader attributes = options.Nested;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case Tc.TCA_HTB_PARMS: parameters = value.Read<Tc.HtbOptions>(); break;
                case Tc.TCA_HTB_RATE64: rate = value.UInt64; break;
                case Tc.TCA_HTB_CEIL64: ceiling = value.UInt64; break;
            }
        }

        shape = new HtbClass(new LinkIndex(header.Link), TcHandle.Of(header.Handle), rate ?? parameters.Rate.Rate)
        {
            Parent = TcHandle.Of(header.Parent),
            CeilingBytesPerSecond = ceiling ?? parameters.Ceiling.Rate,
            BurstTicks = parameters.Buffer,
            QuantumBytes = parameters.Quantum,
        };
        return true;
    }

    internal static bool TryReadFilter(in NetlinkMessage message, [MaybeNullWhen(false)] out U32Filter filter)
    {
        filter = null;
        if (message.Type != Rtnl.RTM_NEWTFILTER || ReadKind(message, out Tc.Header header, out Netlink.Attribute options) != U32)
        {
            return false;
        }

        U32Filter result = new(new LinkIndex(header.Link), TcHandle.Of(header.Parent), (ushort)(header.Info >> 16))
        {
            Protocol = BinaryPrimitives.ReverseEndianness((ushort)header.Info),
        };
        bool selects = false;
        AttributeReader attributes = options.Nested;
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            selects |= type == Tc.TCA_U32_SEL;
            result = type switch
            {
                Tc.TCA_U32_SEL => result with { Keys = ReadKeys(value) },
                Tc.TCA_U32_CLASSID => result with { Class = TcHandle.Of(value.UInt32) },
                Tc.TCA_U32_ACT => result with { RedirectTo = ReadRedirect(value.Nested) },
                _ => result,
            };
        }

        // The kernel also reports the tables in which it keeps filters; those select nothing.
        filter = selects ? result : null;
        return selects;
    }

    private static U32Key[] ReadKeys(Netlink.Attribute selector)
    {
        int count = selector.Read<Tc.U32Selector>().KeyCount;
        ReadOnlySpan<byte> rest = selector.Bytes[Unsafe.SizeOf<Tc.U32Selector>()..];
        List<U32Key> keys = [];
        for (int i = 0; i < count; i++)
        {
            if (!MemoryMarshal.TryRead(rest, out Tc.U32KeyWords key))
            {
                throw NetlinkException.Malformed($"a u32 selector claims {count} keys in {selector.Bytes.Length} bytes");
            }

            rest = rest[Unsafe.SizeOf<Tc.U32KeyWords>()..];
            if (key.MaskBigEndian != 0)
            {
                keys.Add(new U32Key(BinaryPrimitives.ReverseEndianness(key.MaskBigEndian), BinaryPrimitives.ReverseEndianness(key.ValueBigEndian), key.Offset));
            }
        }

        return [.. keys];
    }

    private static LinkIndex? ReadRedirect(AttributeReader actions)
    {
        while (actions.TryRead(out _, out Netlink.Attribute action))
        {
            string kind = "";
            Netlink.Attribute options = default;
            AttributeReader attributes = action.Nested;
            while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
            {
                switch (type)
                {
                    case Tc.TCA_ACT_KIND: kind = value.Text; break;
                    case Tc.TCA_ACT_OPTIONS: options = value; break;
                }
            }

            AttributeReader parameters = options.Nested;
            while (kind == Mirred && parameters.TryRead(out ushort type, out Netlink.Attribute value))
            {
                if (type == Tc.TCA_MIRRED_PARMS && value.Read<Tc.Mirred>() is { Direction: Tc.TCA_EGRESS_REDIR } mirred)
                {
                    return new LinkIndex(mirred.Link);
                }
            }
        }

        return null;
    }

    private static string ReadKind(in NetlinkMessage message, out Tc.Header header, out Netlink.Attribute options)
    {
        string kind = "";
        options = default;
        AttributeReader attributes = message.Attributes(out header);
        while (attributes.TryRead(out ushort type, out Netlink.Attribute value))
        {
            switch (type)
            {
                case Tc.TCA_KIND: kind = value.Text; break;
                case Tc.TCA_OPTIONS: options = value; break;
            }
        }

        return kind;
    }
}
