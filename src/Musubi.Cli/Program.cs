using System.CommandLine;
using System.Text.Json;
using Musubi.Cli;
using Musubi.Cli.Commands;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;
using Musubi.Linux;
using Musubi.Node.Images;
using Spectre.Console;

RootCommand root = new("""
    Musubi gives virtual machines and pods their networks, on Kubernetes and on a single Linux host.

    Examples:
      musubi demo                                       start the platform and prove it with two machines
      musubi up                                         start the platform
      musubi image import musubi/guest:latest ./guest   give an image the name that manifests use
      musubi vm list                                    machines and their addresses
      musubi vm console vm-a                            a machine's serial console
      musubi down                                       end everything

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 (status) not running.
    """)
{
    CommandParts.StateDirectory,
    PlatformCommands.Up(),
    PlatformCommands.Down(),
    PlatformCommands.Status(),
    DemoCommand.Create(),
    ImageCommands.Create(),
    VmCommands.Create(),
    RunCommands.Create(),
    CompletionCommand.Create(),
};
Command version = new("version", "Print the version.");
version.SetAction(_ => Console.Out.WriteLine($"musubi {typeof(UserException).Assembly.GetName().Version?.ToString(3)}"));
root.Subcommands.Add(version);

if (Console.IsOutputRedirected)
{
    // Colours and wrapping are for people; what reads a pipe wants the text as it is.
    AnsiConsole.Profile.Capabilities.Ansi = false;
    AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
    AnsiConsole.Profile.Width = int.MaxValue;
}

ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    await parsed.InvokeAsync();
    return 2;
}

try
{
    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception e) when (e is UserException or ApiException or ApiUnreachableException or ImageException or KubeConfigException or TimeoutException or LinuxException or IOException or JsonException)
{
    Console.Error.WriteLine($"musubi: {e.Message}");
    return 1;
}
