using System.Runtime.InteropServices;

namespace Musubi.Linux.Files;

/// <summary>Words for the framework's errors about files. Small executables carry no texts of the framework: its messages are names of texts there.</summary>
public static class FileErrors
{
    private const int LargestErrno = 4095;

    /// <summary>What went wrong, with the path where one is known.</summary>
    public static string Describe(Exception error)
    {
        // "IO_FileNotFound_FileName, /path" or "Could not find file '/path'."
        int comma = error.Message.IndexOf(", ", StringComparison.Ordinal);
        bool isKey = !error.Message.Contains(' ', StringComparison.Ordinal) || (comma > 0 && !error.Message.AsSpan(0, comma).Contains(' '));
        if (!isKey)
        {
            return error.Message;
        }

        string path = comma < 0 ? "" : error.Message[(comma + 2)..] + ": ";
        return path + error switch
        {
            FileNotFoundException or DirectoryNotFoundException => "no such file or directory",
            UnauthorizedAccessException => "permission denied",
            IOException { HResult: > 0 and < LargestErrno } => Marshal.GetPInvokeErrorMessage(error.HResult),
            _ => error.Message,
        };
    }
}
