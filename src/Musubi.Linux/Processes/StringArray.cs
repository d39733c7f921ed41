using System.Runtime.InteropServices;

namespace Musubi.Linux.Processes;

/// <summary>A list of texts as C programs take it: pointers to them, ended by a null.</summary>
internal sealed unsafe class StringArray : IDisposable
{
    private readonly int _count;

    internal StringArray(IReadOnlyList<string> texts)
    {
        foreach (string text in texts)
        {
            if (text.Contains('\0'))
            {
                throw new ArgumentException("An argument or environment variable of a program cannot hold a NUL character.", nameof(texts));
            }
        }

        _count = texts.Count;
        Pointer = (byte**)NativeMemory.AllocZeroed((nuint)(_count + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < _count; i++)
        {
            Pointer[i] = (byte*)Marshal.StringToCoTaskMemUTF8(texts[i]);
        }
    }

    internal byte** Pointer { get; private set; }

    public void Dispose()
    {
        if (Pointer is null)
        {
            return;
        }

        for (int i = 0; i < _count; i++)
        {
            Marshal.FreeCoTaskMem((nint)Pointer[i]);
        }

        NativeMemory.Free(Pointer);
        Pointer = null;
    }
}
