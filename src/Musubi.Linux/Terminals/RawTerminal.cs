using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Interop;

namespace Musubi.Linux.Terminals;

/// <summary>Standard input as a stream of bytes as they are typed: no echo, no line editing, no signals by keys; until disposed. termios(3), cfmakeraw.</summary>
public sealed unsafe class RawTerminal : IDisposable
{
    private readonly SafeFileHandle _terminal = new(0, ownsHandle: false);
    private readonly Libc.Termios _before;
    private bool _disposed;

    /// <summary>Switches the terminal.</summary>
    /// <exception cref="LinuxException">Standard input is no terminal.</exception>
    public RawTerminal()
    {
        Libc.Termios settings;
        if (Libc.ioctl(_terminal, Libc.TCGETS, &settings) != 0)
        {
            LinuxException.ThrowLast("ioctl TCGETS on standard input");
        }

        _before = settings;
        settings.InputFlags &= ~(Libc.BRKINT | Libc.ICRNL | Libc.INPCK | Libc.ISTRIP | Libc.IXON);
        settings.OutputFlags &= ~Libc.OPOST;
        settings.LocalFlags &= ~(Libc.ECHO | Libc.ICANON | Libc.IEXTEN | Libc.ISIG);
        Set(settings);
    }

    /// <summary>Switches back.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            Set(_before);
        }
    }

    private void Set(Libc.Termios settings)
    {
        if (Libc.ioctl(_terminal, Libc.TCSETS, &settings) != 0)
        {
            LinuxException.ThrowLast("ioctl TCSETS on standard input");
        }
    }
}
