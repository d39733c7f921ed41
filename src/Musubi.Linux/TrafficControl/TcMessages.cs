using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Musubi.Linux.Netlink;

namespace Musubi.Linux.TrafficControl;

/// <summary>Writes requests about traffic control.</summary>
internal static class TcMessages
{
    private const int Create = NetlinkProtocol.NLM_F_ACK | NetlinkProtocol.NLM_F_CREATE | NetlinkProtocol.NLM_F_EXCL;

    internal static void Add(ref MessageWriter writer, Qdisc qdisc)
    {
        Begin(ref writer, Rtnl.RTM_NEWQDISC, Create, qdisc.Link.Value, qdisc.Handle, qdisc.Parent);
        writer.Text(Tc.TCA_KIND, qdisc.Kind);
        int options = writer.BeginNest(Tc.TCA_OPTIONS);
        if (qdisc.Kind == Qdisc.Htb)
        {
            writer.Attribute(
                Tc.TCA_HTB_INIT,
                new Tc.HtbGlobal { Version = Tc.HtbVersion, RateToQuantum = Tc.DefaultRateToQuantum, DefaultClass = qdisc.DefaultClass });
        }

        writer.EndNest(options);
        writer.End();
    }

    internal static void Delete(ref MessageWriter writer, Qdisc qdisc)
    {
        Begin(ref writer, Rtnl.RTM_DELQDISC, NetlinkProtocol.NLM_F_ACK, qdisc.Link.Value, qdisc.Handle, qdisc.Parent);
        writer.End();
    }

    internal static void Add(ref MessageWriter writer, HtbClass shape)
    {
        Begin(ref writer, Rtnl.RTM_NEWTCLASS, Create, shape.Link.Value, shape.Handle, shape.Parent);
        writer.Text(Tc.TCA_KIND, Qdisc.Htb);
        int options = writer.BeginNest(Tc.TCA_OPTIONS);
        writer.Attribute(Tc.TCA_HTB_PARMS, new Tc.HtbOptions
        {
            Rate = RateOf(shape.RateBytesPerSecond),
            Ceiling = RateOf(shape.CeilingBytesPerSecond),
            Buffer = shape.BurstTicks,
            CeilingBuffer = shape.BurstTicks,
            Quantum = shape.QuantumBytes ?? 0,
        });
        if (shape.RateBytesPerSecond > uint.MaxValue)
        {
            writer.UInt64(Tc.TCA_HTB_RATE64, shape.RateBytesPerSecond);
        }

        if (shape.CeilingBytesPerSecond > uint.MaxValue)
        {
            writer.UInt64(Tc.TCA_HTB_CEIL64, shape.CeilingBytesPerSecond);
        }

        writer.EndNest(options);
        writer.End();
    }

    internal static void Add(ref MessageWriter writer, U32Filter filter)
    {
        uint info = ((uint)filter.Priority << 16) | BinaryPrimitives.ReverseEndianness(filter.Protocol);
        Begin(ref writer, Rtnl.RTM_NEWTFILTER, Create, filter.Link.Value, default, filter.Parent, info);
        writer.Text(Tc.TCA_KIND, TcReader.U32);
        int options = writer.BeginNest(Tc.TCA_OPTIONS);
        Selector(ref writer, filter.Keys);
        if (filter.Class is { } shape)
        {
            writer.UInt32(Tc.TCA_U32_CLASSID, shape.Number);
        }

        if (filter.RedirectTo is { } target)
        {
            Redirect(ref writer, target.Value);
        }

        writer.EndNest(options);
        writer.End();
    }

    internal static void List(ref MessageWriter writer, ushort message, int link, TcHandle parent)
    {
        Begin(ref writer, message, NetlinkProtocol.NLM_F_DUMP, link, default, parent);
        writer.End();
    }

    private static void Selector(ref MessageWriter writer, IReadOnlyList<U32Key> keys)
    {
        // A selector without keys is refused: what holds for all packets is one that looks at no bit of the first word.
        IReadOnlyList<U32Key> compared = keys.Count == 0 ? [default] : keys;
        Span<byte> selector = stackalloc byte[Unsafe.SizeOf<Tc.U32Selector>() + compared.Count * Unsafe.SizeOf<Tc.U32KeyWords>()];
        MemoryMarshal.Write(selector, new Tc.U32Selector { Flags = Tc.TC_U32_TERMINAL, KeyCount = (byte)compared.Count });
        Span<byte> rest = selector[Unsafe.SizeOf<Tc.U32Selector>()..];
        foreach (U32Key key in compared)
        {
            MemoryMarshal.Write(rest, new Tc.U32KeyWords
            {
                MaskBigEndian = BinaryPrimitives.ReverseEndianness(key.Mask),
                ValueBigEndian = BinaryPrimitives.ReverseEndianness(key.Value),
                Offset = key.Offset,
            });
            rest = rest[Unsafe.SizeOf<Tc.U32KeyWords>()..];
        }

        writer.Bytes(Tc.TCA_U32_SEL, selector);
    }

    private static void Redirect(ref MessageWriter writer, int target)
    {
        const ushort First = 1;
        int actions = writer.BeginNest(Tc.TCA_U32_ACT);
        int action = writer.BeginNest(First);
        writer.Text(Tc.TCA_ACT_KIND, TcReader.Mirred);
        int options = writer.BeginNest(Tc.TCA_ACT_OPTIONS);
        writer.Attribute(Tc.TCA_MIRRED_PARMS, new Tc.Mirred { Action = Tc.TC_ACT_STOLEN, Direction = Tc.TCA_EGRESS_REDIR, Link = target });
        writer.EndNest(options);
        writer.EndNest(action);
        writer.EndNest(actions);
    }

    private static Tc.RateSpec RateOf(ulong bytesPerSecond) =>
        new() { LinkLayer = Tc.TC_LINKLAYER_ETHERNET, Rate = (uint)Math.Min(bytesPerSecond, uint.MaxValue) };

    private static void Begin(ref MessageWriter writer, ushort message, int flags, int link, TcHandle handle, TcHandle parent, uint info = 0)
    {
        writer.Begin(message, (ushort)flags);
        writer.Struct(new Tc.Header { Link = link, Handle = handle.Number, Parent = parent.Number, Info = info });
    }
}
