namespace Musubi.Cni.Execution;

/// <summary>One interface of one container on one network, as a runtime asks for it.</summary>
/// <param name="ContainerId">The container; unique on the host.</param>
/// <param name="Netns">Path of its namespace; empty for DEL after the namespace is gone.</param>
/// <param name="IfName">Name the interface gets in it.</param>
public sealed record CniAttachment(string ContainerId, string Netns, string IfName)
{
    /// <summary><c>CNI_ARGS</c>: <c>KEY=VALUE</c> pairs separated by semicolons.</summary>
    public string Args { get; init; } = "IgnoreUnknown=1";

    /// <summary>Values for capabilities, by capability name, each a JSON text (<c>"mac"</c> → <c>"\"02:…\""</c>). A plugin gets those it declares.</summary>
    public IReadOnlyDictionary<string, string> CapabilityArgs { get; init; } = new Dictionary<string, string>();

    /// <summary>The <c>args.cni</c> object for every plugin, as JSON text; null for none.</summary>
    public string? CniArgs { get; init; }
}
