using Spectre.Console;

namespace Musubi.Cli.Output;

/// <summary>Tells what is being waited for.</summary>
internal interface IProgressDisplay
{
    void Report(string doing);
}

/// <summary>Progress on standard error: a line that moves on a terminal, a line for each step elsewhere.</summary>
internal static class ProgressDisplay
{
    private static readonly IAnsiConsole _errors = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>Runs something that takes more than a moment.</summary>
    public static async Task<T> RunAsync<T>(string first, Func<IProgressDisplay, Task<T>> work)
    {
        if (Console.IsErrorRedirected)
        {
            LineDisplay lines = new();
            lines.Report(first);
            return await work(lines);
        }

        return await _errors.Status().Spinner(Spinner.Known.Dots).StartAsync(Markup.Escape(first), status => work(new StatusDisplay(status)));
    }

    /// <summary>Runs something that takes more than a moment.</summary>
    public static Task RunAsync(string first, Func<IProgressDisplay, Task> work) => RunAsync(first, async progress =>
    {
        await work(progress);
        return true;
    });

    private sealed class LineDisplay : IProgressDisplay
    {
        private string _last = "";

        public void Report(string doing)
        {
            if (doing != _last)
            {
                _last = doing;
                Console.Error.WriteLine($"{doing} ...");
            }
        }
    }

    private sealed class StatusDisplay(StatusContext status) : IProgressDisplay
    {
        public void Report(string doing) => status.Status(Markup.Escape(doing));
    }
}
