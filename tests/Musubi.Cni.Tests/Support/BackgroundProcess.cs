using System.Diagnostics;
using Musubi.Linux.Processes;

namespace Musubi.Cni.Tests.Support;

/// <summary>A program that runs beside a test, with all it prints.</summary>
internal sealed class BackgroundProcess : IDisposable
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly List<string> _lines = [];

    public BackgroundProcess(string program, params string[] arguments)
    {
        _process = new Process { StartInfo = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true } };
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
            {
                return [.. _lines];
            }
        }
    }

    public string Output => string.Join('\n', Lines);

    /// <summary>Waits for a line that holds a text.</summary>
    public string WaitForLine(string text, int count = 1)
    {
        Eventually.True(() => Lines.Count(l => l.Contains(text, StringComparison.Ordinal)) >= count, () => $"no \"{text}\" in:\n{Output}");
        return Lines.Last(l => l.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>Sends a signal and waits for the end.</summary>
    public int End(Signal signal)
    {
        ProcessIdentity.Find(_process.Id)?.Kill(signal);
        Assert.True(_process.WaitForExit(_limit), $"{_process.StartInfo.FileName} did not end");
        _process.WaitForExit();
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit(_limit);
        }

        _process.Dispose();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_lines)
        {
            if (line.Data is not null)
            {
                _lines.Add(line.Data);
            }
        }
    }
}
