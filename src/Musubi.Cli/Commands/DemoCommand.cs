using System.CommandLine;
using System.Text.Json;
using Musubi.Cli.Demo;
using Musubi.Cli.Output;
using Musubi.Cli.Platform;

namespace Musubi.Cli.Commands;

/// <summary><c>musubi demo</c>.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        Option<string?> guest = new("--guest")
        {
            Description = "Directory of the guest image that guest/build made.",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MUSUBI_GUEST_IMAGE"),
        };
        Option<string> output = CommandParts.Output();
        Command command = new("demo", "Start the platform, apply examples/quickstart, and prove with packets that two machines are on two networks.") { guest, output };
        command.SetAction(async (parsed, ct) =>
        {
            string directory = parsed.GetValue(guest) is { Length: > 0 } given && Directory.Exists(given)
                ? given
                : throw new UserException("there is no guest image: build one with \"guest/build DIRECTORY\" and name it by --guest DIRECTORY");
            string stateDirectory = Path.GetFullPath(parsed.GetValue(CommandParts.StateDirectory)!);
            PlatformSettings settings = PlatformSettings.Find(stateDirectory) ?? new PlatformSettings { StateDirectory = stateDirectory };
            DemoReport report = await ProgressDisplay.RunAsync("starting the platform", progress => new QuickstartDemo(settings, directory, progress).RunAsync(ct));
            if (parsed.GetValue(output) == "json")
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(report, PlatformJson.Default.DemoReport));
            }
            else
            {
                report.Print(settings);
            }

            return report.Passed ? 0 : 1;
        });
        return command;
    }
}
