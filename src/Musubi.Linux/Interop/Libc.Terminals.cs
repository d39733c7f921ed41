using System.Runtime.InteropServices;

namespace Musubi.Linux.Interop;

/// <summary>Terminal settings; ioctl_tty(2).</summary>
internal static unsafe partial class Libc
{
    internal const nuint TCGETS = 0x5401;
    internal const nuint TCSETS = 0x5402;

    internal const uint BRKINT = 0x2;
    internal const uint INPCK = 0x10;
    internal const uint ISTRIP = 0x20;
    internal const uint ICRNL = 0x100;
    internal const uint IXON = 0x400;
    internal const uint OPOST = 0x1;
    internal const uint ISIG = 0x1;
    internal const uint ICANON = 0x2;
    internal const uint ECHO = 0x8;
    internal const uint IEXTEN = 0x8000;

    /// <summary>The kernel's struct termios.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Termios
    {
        internal uint InputFlags;
        internal uint OutputFlags;
        internal uint ControlFlags;
        internal uint LocalFlags;
        internal byte Line;
        internal fixed byte ControlCharacters[19];
    }
}
