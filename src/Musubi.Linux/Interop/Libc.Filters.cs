namespace Musubi.Linux.Interop;

/// <summary>Socket filters; linux/filter.h, linux/bpf_common.h.</summary>
internal static unsafe partial class Libc
{
    internal const ushort BPF_LD_B_ABS = 0x30;
    internal const ushort BPF_LD_H_ABS = 0x28;
    internal const ushort BPF_LD_H_IND = 0x48;
    internal const ushort BPF_LDX_MSH = 0xb1;
    internal const ushort BPF_JEQ = 0x15;
    internal const ushort BPF_JSET = 0x45;
    internal const ushort BPF_RET = 0x06;

    /// <summary>struct sock_filter</summary>
    internal readonly struct BpfInstruction(ushort code, uint value, byte onTrue = 0, byte onFalse = 0)
    {
        internal readonly ushort Code = code;
        internal readonly byte OnTrue = onTrue;
        internal readonly byte OnFalse = onFalse;
        internal readonly uint Value = value;
    }

    /// <summary>struct sock_fprog</summary>
    internal struct BpfProgram
    {
        internal ushort Length;
        internal BpfInstruction* Instructions;
    }
}
