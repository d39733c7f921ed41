using Musubi.Cni.Execution;

namespace Musubi.Cni.Host.Commands;

/// <summary>What <c>help</c> prints.</summary>
internal static class Usage
{
    public static string Text => $"""
        Musubi's CNI plugins in one executable. A container runtime calls it by the name of a plugin:
        {string.Join(", ", PluginCatalog.Names)}

        Usage:
          musubi-cni daemon [FLAGS]
              get and keep the leases of containers whose addresses come from DHCP (plugin dhcp)
          musubi-cni plugins
              print the plugins' names, one on a line
          musubi-cni version
        """;
}
