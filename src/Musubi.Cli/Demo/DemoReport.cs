using Musubi.Cli.Commands;
using Musubi.Cli.Platform;
using Spectre.Console;

namespace Musubi.Cli.Demo;

/// <summary>One thing the demonstration proved, or not.</summary>
/// <param name="Claim">What was to be shown.</param>
/// <param name="Passed">Whether it was.</param>
/// <param name="Evidence">What was seen.</param>
internal sealed record DemoCheck(string Claim, bool Passed, string Evidence);

/// <summary>What the demonstration showed.</summary>
internal sealed record DemoReport(IReadOnlyList<string> Applied, IReadOnlyList<MachineRow> Machines, IReadOnlyList<DemoCheck> Checks)
{
    public bool Passed => Checks.Count > 0 && Checks.All(c => c.Passed);

    public void Print(PlatformSettings settings)
    {
        foreach (string line in Applied)
        {
            Console.Out.WriteLine(line);
        }

        Console.Out.WriteLine();
        MachineRow.Print(Machines, withNamespace: false);
        Console.Out.WriteLine();
        foreach (DemoCheck check in Checks)
        {
            string mark = check.Passed ? "[green]ok[/]    " : "[red]failed[/]";
            AnsiConsole.MarkupLine($"{mark}  {Markup.Escape(check.Claim)}");
            AnsiConsole.MarkupLine($"        [dim]{Markup.Escape(check.Evidence)}[/]");
        }

        Console.Out.WriteLine();
        Console.Out.WriteLine($"{Checks.Count(c => c.Passed)} of {Checks.Count} checks hold.");
        Console.Out.WriteLine($"""

            Go on with:
              export KUBECONFIG={settings.Kubeconfig}
              kubectl get vm,vmi,pods
              sudo ./musubi vm console vm-a      (login root, password musubi; Ctrl-] leaves)
              sudo ./musubi down
            """);
    }
}
