using Musubi.Linux.Interop;

namespace Musubi.Linux;

/// <summary>Random bytes from the kernel; getrandom(2). The framework's generator loads a cryptography library, which takes longer than a whole CNI plugin may.</summary>
public static class KernelRandom
{
    /// <summary>Fills a buffer of at most 256 bytes, which the kernel fills whole.</summary>
    public static unsafe void Fill(Span<byte> buffer)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(buffer.Length, 256);
        fixed (byte* first = buffer)
        {
            if (Libc.getrandom(first, (nuint)buffer.Length, 0) != buffer.Length)
            {
                LinuxException.ThrowLast("getrandom");
            }
        }
    }
}
