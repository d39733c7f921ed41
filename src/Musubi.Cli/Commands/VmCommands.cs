using System.CommandLine;
using System.Text.Json;
using Musubi.Api.KubeVirt;
using Musubi.Cli.Output;
using Musubi.Cli.Platform;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;

namespace Musubi.Cli.Commands;

/// <summary><c>musubi vm …</c>.</summary>
internal static class VmCommands
{
    private static readonly TimeSpan _waitLimit = TimeSpan.FromMinutes(3);

    public static Command Create() => new("vm", "Look at virtual machines, start and stop them, and use their consoles.")
    {
        CommandParts.Namespace,
        CommandParts.Kubeconfig,
        List(),
        Act("start", "Start a virtual machine.", "started", running: true, (api, key, _, ct) => VirtualMachineActions.StartAsync(api, key, ct)),
        Act("stop", "Stop a virtual machine.", "stopped", running: false, VirtualMachineActions.StopAsync, withGrace: true),
        Act("restart", "Stop a virtual machine and start it again.", "restarted", running: true, (api, key, _, ct) => VirtualMachineActions.RestartAsync(api, key, ct)),
        Console(),
    };

    private static Command List()
    {
        Option<bool> all = new("--all-namespaces", "-A") { Description = "Of every namespace." };
        Option<string> output = CommandParts.Output();
        Command command = new("list", "List virtual machines with the addresses of their interfaces.") { all, output };
        command.Aliases.Add("ls");
        command.SetAction(async (parsed, ct) =>
        {
            using ApiClient api = CommandParts.Connect(parsed);
            bool everywhere = parsed.GetValue(all);
            IReadOnlyList<MachineRow> machines = await MachineRow.ListAsync(api, everywhere ? null : NamespaceOf(parsed), ct);
            if (parsed.GetValue(output) == "json")
            {
                System.Console.Out.WriteLine(JsonSerializer.Serialize(machines, PlatformJson.Default.IReadOnlyListMachineRow));
            }
            else if (machines.Count == 0)
            {
                System.Console.Error.WriteLine(everywhere ? "No virtual machines." : $"No virtual machines in namespace {NamespaceOf(parsed)}.");
            }
            else
            {
                MachineRow.Print(machines, everywhere);
            }

            return 0;
        });
        return command;
    }

    private static Command Act(
        string verb, string description, string done, bool running, Func<ApiClient, ObjectKey, long?, CancellationToken, Task<VirtualMachine>> act, bool withGrace = false)
    {
        Argument<string> name = new("NAME") { Description = "The virtual machine." };
        Option<bool> wait = new("--wait") { Description = $"Return when the machine is {(running ? "running" : "stopped")}." };
        Option<long?> grace = new("--grace-period") { Description = "Seconds the guest may take to shut down; 0 ends it at once." };
        Command command = new(verb, description) { name, wait };
        if (withGrace)
        {
            command.Options.Add(grace);
        }

        command.SetAction(async (parsed, ct) =>
        {
            using ApiClient api = CommandParts.Connect(parsed);
            ObjectKey key = new(NamespaceOf(parsed), parsed.GetValue(name)!);
            string? before = (await api.Resource<VirtualMachineInstance>().FindAsync(key, ct))?.Metadata.Uid;
            await act(api, key, withGrace ? parsed.GetValue(grace) : null, ct);
            if (parsed.GetValue(wait))
            {
                string status = running ? PrintableStatuses.Running : PrintableStatuses.Stopped;
                await ProgressDisplay.RunAsync($"waiting until {key} is {status}", _ => Wait.UntilAsync(
                    async () => (await api.Resource<VirtualMachine>().GetAsync(key, ct)).Status?.PrintableStatus == status
                        && (!running || (await api.Resource<VirtualMachineInstance>().FindAsync(key, ct))?.Metadata.Uid != before),
                    _waitLimit,
                    $"{key} did not become {status}",
                    ct));
            }

            System.Console.Out.WriteLine($"virtualmachine {key} {(parsed.GetValue(wait) ? done : verb + " requested")}");
            return 0;
        });
        return command;
    }

    private static Command Console()
    {
        Argument<string> name = new("NAME") { Description = "The virtual machine." };
        Command command = new("console", "Use a machine's serial console. Ctrl-] leaves it.") { name };
        command.SetAction(async (parsed, ct) =>
        {
            PlatformSettings settings = PlatformSettings.Load(parsed.GetValue(CommandParts.StateDirectory)!);
            using ApiClient api = CommandParts.Connect(parsed);
            ObjectKey key = new(NamespaceOf(parsed), parsed.GetValue(name)!);
            return await ConsoleSession.AttachAsync(await MachineLocator.SerialSocketAsync(api, settings, key, ct), key.ToString(), ct);
        });
        return command;
    }

    private static string NamespaceOf(ParseResult parsed) => parsed.GetValue(CommandParts.Namespace) is { Length: > 0 } given ? given : "default";
}
