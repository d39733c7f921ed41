using System.Text;

namespace Musubi.Cni.Spec;

/// <summary>What a runtime asks of a plugin.</summary>
public enum CniCommand
{
    /// <summary>Attach a container.</summary>
    Add,

    /// <summary>Verify an attachment.</summary>
    Check,

    /// <summary>Detach a container; succeeds when there is nothing left to detach.</summary>
    Del,

    /// <summary>Remove what belongs to attachments that are no longer valid.</summary>
    Gc,

    /// <summary>Tell whether ADD can be served.</summary>
    Status,

    /// <summary>Tell the supported versions.</summary>
    Version,
}

/// <summary>One call of a plugin: the environment variables and the configuration on standard input (CNI specification, section 2).</summary>
public sealed record CniInvocation
{
    /// <summary>The most characters of a container id or network name: plugins name files after them, which have 255.</summary>
    public const int LongestIdentifier = 200;

    /// <summary><c>CNI_COMMAND</c>.</summary>
    public required CniCommand Command { get; init; }

    /// <summary><c>CNI_CONTAINERID</c>.</summary>
    public string ContainerId { get; init; } = "";

    /// <summary><c>CNI_NETNS</c>: path of the container's namespace; empty when it is gone.</summary>
    public string Netns { get; init; } = "";

    /// <summary><c>CNI_IFNAME</c>.</summary>
    public string IfName { get; init; } = "";

    /// <summary><c>CNI_ARGS</c>, as given.</summary>
    public string Args { get; init; } = "";

    /// <summary><c>CNI_PATH</c>: directories to look for plugins in.</summary>
    public string Path { get; init; } = "";

    /// <summary><c>CNI_NETNS_OVERRIDE</c>: the container's namespace may be the plugin's own.</summary>
    public bool NetnsOverride { get; init; }

    /// <summary>The configuration, byte for byte as delegates must get it.</summary>
    public ReadOnlyMemory<byte> Config { get; init; }

    /// <summary>Reads the environment of a plugin process.</summary>
    /// <param name="get">Gives a variable's value, or null.</param>
    /// <exception cref="CniException">Code 4; every missing variable is named, a malformed one at once.</exception>
    public static CniInvocation FromEnvironment(Func<string, string?> get)
    {
        string text = get("CNI_COMMAND") ?? "";
        CniCommand command = text switch
        {
            "ADD" => CniCommand.Add,
            "CHECK" => CniCommand.Check,
            "DEL" => CniCommand.Del,
            "GC" => CniCommand.Gc,
            "STATUS" => CniCommand.Status,
            "VERSION" => CniCommand.Version,
            _ => throw new CniException(CniErrorCode.InvalidEnvironment, $"unknown CNI_COMMAND: {text}"),
        };
        CniInvocation call = new()
        {
            Command = command,
            ContainerId = get("CNI_CONTAINERID") ?? "",
            Netns = get("CNI_NETNS") ?? "",
            IfName = get("CNI_IFNAME") ?? "",
            Args = get("CNI_ARGS") ?? "",
            Path = get("CNI_PATH") ?? "",
            NetnsOverride = get("CNI_NETNS_OVERRIDE") is { } o && (o == "1" || o.Equals("TRUE", StringComparison.OrdinalIgnoreCase)),
        };
        call.Validate();
        return call;
    }

    private void Validate()
    {
        if (Command == CniCommand.Version)
        {
            return;
        }

        bool attachment = Command is CniCommand.Add or CniCommand.Check or CniCommand.Del;
        if (attachment && ContainerId.Length > 0 && !IsIdentifier(ContainerId))
        {
            throw new CniException(CniErrorCode.InvalidEnvironment, "invalid characters in CNI_CONTAINERID", ContainerId);
        }

        if (ContainerId.Length > LongestIdentifier)
        {
            throw new CniException(CniErrorCode.InvalidEnvironment, $"CNI_CONTAINERID is longer than {LongestIdentifier} characters");
        }

        if (attachment && IfName.Length > 0)
        {
            ValidateIfName(IfName);
        }

        List<string> missing = [];
        Need("CNI_CONTAINERID", attachment && ContainerId.Length == 0);
        Need("CNI_NETNS", Command is CniCommand.Add or CniCommand.Check && Netns.Length == 0);
        Need("CNI_IFNAME", attachment && IfName.Length == 0);
        Need("CNI_PATH", Path.Length == 0);
        if (missing.Count > 0)
        {
            throw new CniException(CniErrorCode.InvalidEnvironment, $"required env variables [{string.Join(',', missing)}] missing");
        }

        void Need(string variable, bool absent)
        {
            if (absent)
            {
                missing.Add(variable);
            }
        }
    }

    /// <summary>True for the identifiers that container ids and network names must be: a letter or digit, then letters, digits, <c>_ . -</c>.</summary>
    public static bool IsIdentifier(string text)
    {
        if (text.Length == 0 || !char.IsAsciiLetterOrDigit(text[0]))
        {
            return false;
        }

        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-'))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>True for what the kernel takes as an interface's name.</summary>
    public static bool IsInterfaceName(string text) => text.Length > 0 && FaultOfInterfaceName(text) is null;

    private static void ValidateIfName(string name)
    {
        if (FaultOfInterfaceName(name) is { } why)
        {
            throw new CniException(CniErrorCode.InvalidEnvironment, $"invalid CNI_IFNAME: {why}", name);
        }
    }

    private static string? FaultOfInterfaceName(string name) =>
        Encoding.UTF8.GetByteCount(name) > 15 ? "interface name is too long (at most 15 bytes)"
        : name is "." or ".." ? "interface name is . or .."
        : name.Any(c => c is '/' or ':' || char.IsWhiteSpace(c)) ? "interface name contains / or : or whitespace characters"
        : null;
}
