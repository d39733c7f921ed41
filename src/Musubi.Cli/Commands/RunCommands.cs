using System.CommandLine;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Musubi.Cli.Platform;

namespace Musubi.Cli.Commands;

/// <summary><c>musubi run …</c>: the platform's processes, which <c>up</c> starts; hidden from help.</summary>
internal static class RunCommands
{
    public static Command Create() => new("run", "Run one of the platform's processes in the foreground.")
    {
        Supervise(),
        ControlPlaneCommand(),
        Node(),
    };

    private static Command Supervise()
    {
        Command command = new("supervisor", "Start the other processes, and start them again when they die.");
        command.SetAction(parsed =>
        {
            using Supervisor supervisor = new(SettingsOf(parsed));
            return supervisor.Run();
        });
        return command;
    }

    private static Command ControlPlaneCommand()
    {
        Command command = new("control-plane", "Serve the API and run the controllers.");
        command.SetAction((parsed, ct) => ServeAsync((logs, stop) => ControlPlane.RunAsync(SettingsOf(parsed), logs, stop), ct));
        return command;
    }

    private static Command Node()
    {
        Argument<string> name = new("NAME") { Description = "The node." };
        Command command = new("node", "Run a node's agent.") { name };
        command.SetAction((parsed, ct) => ServeAsync((logs, stop) => NodeProcess.RunAsync(SettingsOf(parsed), parsed.GetValue(name)!, logs, stop), ct));
        return command;
    }

    private static PlatformSettings SettingsOf(ParseResult parsed) => PlatformSettings.Load(parsed.GetValue(CommandParts.StateDirectory)!);

    private static async Task<int> ServeAsync(Func<ILoggerFactory, CancellationToken, Task> serve, CancellationToken ct)
    {
        using ILoggerFactory logs = LoggerFactory.Create(builder => builder
            .SetMinimumLevel(LogLevel.Information)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("System", LogLevel.Warning)
            .AddSimpleConsole(o =>
            {
                o.SingleLine = true;
                o.UseUtcTimestamp = true;
                o.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
                o.ColorBehavior = LoggerColorBehavior.Disabled;
            }));
        try
        {
            await serve(logs, ct);
            return 0;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return 0; // asked to end
        }
    }
}
