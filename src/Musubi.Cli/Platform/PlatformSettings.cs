using System.Text.Json;
using System.Text.Json.Serialization;
using Musubi.Node;

namespace Musubi.Cli.Platform;

/// <summary>What <c>musubi up</c> was asked for; every process of the platform reads it.</summary>
internal sealed record PlatformSettings
{
    public const string DefaultStateDirectory = "/var/lib/musubi";
    private const string FileName = "platform.json";

    /// <summary>Begins the names of everything the platform makes on this machine.</summary>
    public string Cluster { get; set; } = "musubi";

    /// <summary>TCP port of the API server on 127.0.0.1.</summary>
    public int Port { get; set; } = 6443;

    /// <summary>MTU of the pod network, in bytes.</summary>
    public int PodMtuBytes { get; set; } = 1500;

    /// <summary>Simulated nodes.</summary>
    public int Nodes { get; set; } = 1;

    [JsonIgnore]
    public string StateDirectory { get; set; } = DefaultStateDirectory;

    [JsonIgnore]
    public string RuntimeDirectory => $"/run/musubi/{Cluster}";

    [JsonIgnore]
    public string ApiServerDirectory => Path.Combine(StateDirectory, "apiserver");

    [JsonIgnore]
    public string ImagesDirectory => Path.Combine(StateDirectory, "images");

    [JsonIgnore]
    public string LogsDirectory => Path.Combine(StateDirectory, "logs");

    [JsonIgnore]
    public string Kubeconfig => Path.Combine(StateDirectory, "admin.kubeconfig");

    [JsonIgnore]
    public string SupervisorFile => Path.Combine(RuntimeDirectory, "supervisor.json");

    /// <summary>Node names, <c>node1</c> onward.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> NodeNames => [.. Enumerable.Range(1, Nodes).Select(i => $"node{i}")];

    /// <summary>The options of one node's agent.</summary>
    public NodeOptions NodeOptionsFor(string name) => new()
    {
        Name = name,
        Cluster = Cluster,
        Index = NodeNames.ToList().IndexOf(name) + 1,
        StateDirectory = StateDirectory,
        RuntimeDirectory = RuntimeDirectory,
        LauncherPath = Programs.Launcher,
        PodMtuBytes = PodMtuBytes,
    };

    /// <summary>Reads the settings of a state directory; null when no platform was ever started there.</summary>
    public static PlatformSettings? Find(string stateDirectory)
    {
        string path = Path.Combine(stateDirectory, FileName);
        return File.Exists(path)
            ? JsonSerializer.Deserialize(File.ReadAllText(path), PlatformJson.Default.PlatformSettings)! with { StateDirectory = Path.GetFullPath(stateDirectory) }
            : null;
    }

    /// <summary>Reads the settings of a state directory.</summary>
    /// <exception cref="UserException">No platform was ever started there.</exception>
    public static PlatformSettings Load(string stateDirectory) =>
        Find(stateDirectory) ?? throw new UserException($"there is no platform in {stateDirectory}: start one with \"musubi up\"");

    /// <summary>Makes the directories and writes the settings.</summary>
    public void Save()
    {
        // Guests' processes pass through to their images; what is secret has directories and files of its own that only root reads.
        const UnixFileMode passThrough = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        const UnixFileMode rootOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(StateDirectory, passThrough);
        Directory.CreateDirectory(RuntimeDirectory, passThrough);
        Directory.CreateDirectory(ImagesDirectory, passThrough);
        Directory.CreateDirectory(LogsDirectory, rootOnly);
        Directory.CreateDirectory(ApiServerDirectory, rootOnly);
        string path = Path.Combine(StateDirectory, FileName);
        File.WriteAllText(path + ".new", JsonSerializer.Serialize(this, PlatformJson.Default.PlatformSettings));
        File.Move(path + ".new", path, overwrite: true);
    }
}

/// <summary>JSON of the platform's own files and of <c>-o json</c>.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PlatformSettings))]
[JsonSerializable(typeof(ComponentsFile))]
[JsonSerializable(typeof(Commands.PlatformStatus))]
[JsonSerializable(typeof(IReadOnlyList<Commands.MachineRow>))]
[JsonSerializable(typeof(IReadOnlyList<Commands.ImageRow>))]
[JsonSerializable(typeof(Demo.DemoReport))]
internal sealed partial class PlatformJson : JsonSerializerContext;
