using System.Runtime.InteropServices;

namespace Musubi.Linux.TrafficControl;

/// <summary>Attributes and structures of traffic control; linux/rtnetlink.h, linux/pkt_sched.h, linux/pkt_cls.h. Names and values are the kernel's.</summary>
internal static class Tc
{
    internal const ushort TCA_KIND = 1;
    internal const ushort TCA_OPTIONS = 2;

    internal const ushort TCA_HTB_PARMS = 1;
    internal const ushort TCA_HTB_INIT = 2;
    internal const ushort TCA_HTB_RATE64 = 6;
    internal const ushort TCA_HTB_CEIL64 = 7;
    internal const uint HtbVersion = 3;
    internal const uint DefaultRateToQuantum = 10;

    internal const byte TC_LINKLAYER_ETHERNET = 1;

    internal const ushort TCA_U32_CLASSID = 1;
    internal const ushort TCA_U32_SEL = 5;
    internal const ushort TCA_U32_ACT = 7;
    internal const byte TC_U32_TERMINAL = 1;

    internal const ushort TCA_ACT_KIND = 1;
    internal const ushort TCA_ACT_OPTIONS = 2;
    internal const ushort TCA_MIRRED_PARMS = 2;
    internal const int TCA_EGRESS_REDIR = 1;
    internal const int TC_ACT_STOLEN = 4;

    /// <summary>struct tcmsg</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Header
    {
        internal byte Family;
        internal byte Pad1;
        internal ushort Pad2;
        internal int Link;
        internal uint Handle;
        internal uint Parent;
        internal uint Info;
    }

    /// <summary>struct tc_htb_glob</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct HtbGlobal
    {
        internal uint Version;
        internal uint RateToQuantum;
        internal uint DefaultClass;
        internal uint Debug;
        internal uint DirectPackets;
    }

    /// <summary>struct tc_ratespec</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct RateSpec
    {
        internal byte CellLog;
        internal byte LinkLayer;
        internal ushort Overhead;
        internal short CellAlign;
        internal ushort Mpu;
        internal uint Rate;
    }

    /// <summary>struct tc_htb_opt</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct HtbOptions
    {
        internal RateSpec Rate;
        internal RateSpec Ceiling;
        internal uint Buffer;
        internal uint CeilingBuffer;
        internal uint Quantum;
        internal uint Level;
        internal uint Priority;
    }

    /// <summary>struct tc_u32_sel, without its keys</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct U32Selector
    {
        internal byte Flags;
        internal byte OffsetShift;
        internal byte KeyCount;
        internal byte Pad;
        internal ushort OffsetMaskBigEndian;
        internal ushort Offset;
        internal short OffsetOffset;
        internal short HashOffset;
        internal uint HashMaskBigEndian;
    }

    /// <summary>struct tc_u32_key</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct U32KeyWords
    {
        internal uint MaskBigEndian;
        internal uint ValueBigEndian;
        internal int Offset;
        internal int OffsetMask;
    }

    /// <summary>struct tc_mirred</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Mirred
    {
        internal uint Index;
        internal uint Capabilities;
        internal int Action;
        internal int References;
        internal int Bindings;
        internal int Direction;
        internal int Link;
    }
}
