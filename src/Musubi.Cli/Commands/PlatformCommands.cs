using System.CommandLine;
using System.Text.Json;
using Musubi.Cli.Output;
using Musubi.Cli.Platform;

namespace Musubi.Cli.Commands;

/// <summary><c>musubi up</c>, <c>down</c> and <c>status</c>.</summary>
internal static class PlatformCommands
{
    public static Command Up()
    {
        Option<int> port = new("--port") { Description = "TCP port of the API server on 127.0.0.1.", DefaultValueFactory = _ => 6443 };
        Option<int> mtu = new("--pod-mtu") { Description = "MTU of the pod network in bytes, 1280 to 9000.", DefaultValueFactory = _ => 1500 };
        Option<string> name = new("--name") { Description = "Begins the names of everything the platform makes on this machine.", DefaultValueFactory = _ => "musubi" };
        port.Validators.Add(r => Require(r, r.GetValue(port) is >= 1 and <= 65535, "--port must be between 1 and 65535"));
        mtu.Validators.Add(r => Require(r, r.GetValue(mtu) is >= 1280 and <= 9000, "--pod-mtu must be between 1280 (the least of IPv6) and 9000"));
        name.Validators.Add(r => Require(r, IsName(r.GetValue(name)), "--name must be 1 to 20 lower-case letters, digits and hyphens, and begin with a letter"));

        Command command = new("up", "Start the embedded platform: API server, controllers and one simulated node.") { port, mtu, name };
        command.SetAction(async (parsed, ct) =>
        {
            PlatformSettings settings = new()
            {
                StateDirectory = Path.GetFullPath(parsed.GetValue(CommandParts.StateDirectory)!),
                Port = parsed.GetValue(port),
                PodMtuBytes = parsed.GetValue(mtu),
                Cluster = parsed.GetValue(name)!,
            };
            bool started = await ProgressDisplay.RunAsync("starting the platform", progress => PlatformLifecycle.UpAsync(settings, progress, ct));
            Console.Out.WriteLine(started ? "The platform is up." : "The platform is up already.");
            Console.Out.WriteLine($"Use it with:  kubectl --kubeconfig {settings.Kubeconfig} get nodes");
            return 0;
        });
        return command;
    }

    public static Command Down()
    {
        Option<bool> purge = new("--purge") { Description = "Also delete the state directory: every object and image in it." };
        Command command = new("down", "End the embedded platform and every machine on it, and remove what it made on this machine.") { purge };
        command.SetAction(async (parsed, ct) =>
        {
            if (PlatformSettings.Find(parsed.GetValue(CommandParts.StateDirectory)!) is not { } settings)
            {
                Console.Out.WriteLine("There is no platform here.");
                return 0;
            }

            await ProgressDisplay.RunAsync("stopping the platform", progress => PlatformLifecycle.DownAsync(settings, parsed.GetValue(purge), progress, ct));
            Console.Out.WriteLine("The platform is down.");
            return 0;
        });
        return command;
    }

    public static Command Status()
    {
        Option<string> output = CommandParts.Output();
        Command command = new("status", "Show the platform's processes and machines. Exit code 3 when it is not running.") { output };
        command.SetAction(async (parsed, ct) =>
        {
            PlatformStatus status = await PlatformStatus.ReadAsync(parsed.GetValue(CommandParts.StateDirectory)!, ct);
            if (parsed.GetValue(output) == "json")
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(status, PlatformJson.Default.PlatformStatus));
            }
            else
            {
                status.Print();
            }

            return status.Running ? 0 : 3;
        });
        return command;
    }

    private static bool IsName(string? name) =>
        name is { Length: >= 1 and <= 20 } && char.IsAsciiLetterLower(name[0]) && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static void Require(System.CommandLine.Parsing.OptionResult result, bool condition, string message)
    {
        if (!condition)
        {
            result.AddError(message);
        }
    }
}
