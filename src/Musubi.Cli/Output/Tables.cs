using Spectre.Console;

namespace Musubi.Cli.Output;

/// <summary>Tables as kubectl prints them: no lines, upper-case heads, so that they can be read and cut.</summary>
internal static class Tables
{
    public static void Write(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        List<IReadOnlyList<string>> all = [columns, .. rows];
        int[] widths = [.. columns.Select((_, i) => all.Max(r => r[i].Length))];
        bool colours = AnsiConsole.Profile.Capabilities.ColorSystem != ColorSystem.NoColors && !Console.IsOutputRedirected;
        foreach (IReadOnlyList<string> row in all)
        {
            string line = string.Concat(row.Select((cell, i) => i == row.Count - 1 ? cell : cell.PadRight(widths[i] + 3)));
            if (colours)
            {
                AnsiConsole.MarkupLine(Colour(row, line, ReferenceEquals(row, columns)));
            }
            else
            {
                Console.Out.WriteLine(line);
            }
        }
    }

    private static string Colour(IReadOnlyList<string> row, string line, bool head)
    {
        string text = Markup.Escape(line);
        return head ? $"[bold]{text}[/]"
            : row.Any(c => c is "Failed" or "CrashLoopBackOff" or "dead" or "ErrorUnschedulable" or "ErrImagePull") ? $"[red]{text}[/]"
            : row.Any(c => c is "Starting" or "Stopping" or "Terminating") ? $"[yellow]{text}[/]"
            : text;
    }
}
