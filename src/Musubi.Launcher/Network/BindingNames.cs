namespace Musubi.Launcher.Network;

/// <summary>Names of what is made for a pod interface; the ones KubeVirt's users look for.</summary>
/// <param name="PodInterface">The interface's name in the pod.</param>
internal sealed record BindingNames(string PodInterface)
{
    private const string Primary = "eth0";
    private const string Hashed = "pod";
    private const string Ordinal = "net";

    /// <summary><c>eth0</c> → <c>eth0</c>, <c>pod17d5a8f04ff</c> → <c>17d5a8f04ff</c>.</summary>
    private string Stem => IsHashed ? PodInterface[Hashed.Length..] : PodInterface;

    private bool IsHashed => PodInterface.Length > Hashed.Length + 8 && PodInterface.StartsWith(Hashed, StringComparison.Ordinal);

    /// <summary>The bridge between pod and guest: <c>k6t-eth0</c>, <c>k6t-net1</c>, <c>k6t-17d5a8f04ff</c>.</summary>
    public string Bridge => $"k6t-{Stem}";

    /// <summary>The guest's end: <c>tap0</c>, <c>tap1</c>, <c>tap17d5a8f04ff</c>.</summary>
    public string Tap => PodInterface == Primary ? "tap0"
        : IsHashed ? $"tap{Stem}"
        : PodInterface.StartsWith(Ordinal, StringComparison.Ordinal) ? $"tap{PodInterface[Ordinal.Length..]}"
        : $"tap{PodInterface}";

    /// <summary>The pod interface after it became a port of the bridge: <c>eth0-nic</c>, <c>net1-nic</c>.</summary>
    public string Nic => $"{Stem}-nic";
}
