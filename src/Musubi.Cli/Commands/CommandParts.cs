using System.CommandLine;
using Musubi.Cli.Platform;
using Musubi.Kubernetes.Client;

namespace Musubi.Cli.Commands;

/// <summary>Options that several commands share.</summary>
internal static class CommandParts
{
    public static Option<string> StateDirectory { get; } = new("--state-dir")
    {
        Description = "Where the platform keeps its state.",
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable("MUSUBI_STATE_DIR") is { Length: > 0 } given ? given : PlatformSettings.DefaultStateDirectory,
        Recursive = true,
    };

    public static Option<string> Output()
    {
        Option<string> option = new("--output", "-o") { Description = "How to print: table or json.", DefaultValueFactory = _ => "table" };
        option.AcceptOnlyFromAmong("table", "json");
        return option;
    }

    public static Option<string?> Namespace { get; } = new("--namespace", "-n") { Description = "Namespace; \"default\" when not given.", Recursive = true };

    public static Option<string?> Kubeconfig { get; } = new("--kubeconfig")
    {
        Description = "Cluster to talk to; the embedded platform's own when not given.",
        Recursive = true,
    };

    /// <summary>A client for the cluster that the options name.</summary>
    public static ApiClient Connect(ParseResult parsed)
    {
        string? path = parsed.GetValue(Kubeconfig);
        if (path is null)
        {
            PlatformSettings settings = PlatformSettings.Load(parsed.GetValue(StateDirectory)!);
            path = File.Exists(settings.Kubeconfig) ? settings.Kubeconfig : throw new UserException("the platform is not running: start it with \"musubi up\"");
        }

        return new ApiClient(KubeConfig.Load(path) with { RetryLimit = TimeSpan.FromSeconds(2) });
    }
}
