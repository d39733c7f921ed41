using Musubi.Cni.Execution;
using Musubi.Cni.Ipam.Dhcp;

namespace Musubi.Cni.Host.Commands;

/// <summary>What <c>help</c> prints.</summary>
internal static class Usage
{
    public static string Text => $"""
        Musubi's CNI plugins in one executable. A container runtime calls it by the name of a plugin:
        {Wrap(PluginCatalog.Names)}

        musubi-cni install --bin-dir DIR [--conf-dir DIR] [--plugins NAME,…] [--force]
            Puts this executable into DIR and links to it by the plugins' names, each by a rename, so that a runtime finds a whole plugin at any time.
            What is up to date already stays. Plugins of others are left alone, and nothing is done, unless --force is given: then each is kept as
            NAME.before-musubi. With --conf-dir a first network is written there if there is none yet.
              musubi-cni install --bin-dir /opt/cni/bin
              musubi-cni install --bin-dir /opt/cni/bin --force --plugins bridge,host-local

        musubi-cni try FILE [--ifname NAME] [--args K=V;…] [--bin-dir DIRS] [-o json]
            Attaches a throw-away namespace to the network of a configuration file (- for standard input), shows the result and what became different
            in the kernel, on the host and in the namespace, and detaches it again. It works on this host and this host's addresses, as a runtime would.
            Plugins are this executable's own, and those of others from DIRS, separated by colons.
            Exit code: 0 attached and detached; 1 not attached, and nothing is left; 3 not detached; 130 interrupted, and detached.
              musubi-cni try /etc/cni/net.d/10-containers.conflist
              musubi-cni try - -o json < bridge.json

        musubi-cni daemon [FLAGS]
            Gets and keeps the leases of containers whose addresses come from DHCP servers (plugin dhcp), until SIGTERM. Leases are kept on disk beside the
            socket, and the next daemon goes on with them. Also called as: dhcp daemon.
        {DaemonProcess.Help}
              musubi-cni daemon
              musubi-cni daemon -socketpath /run/cni/dhcp.sock -timeout 5s

        musubi-cni plugins
            Prints the plugins' names, one on a line.

        musubi-cni version
        """;

    private static string Wrap(IEnumerable<string> names)
    {
        const int Width = 120;
        List<string> lines = [""];
        foreach (string name in names)
        {
            string more = lines[^1].Length == 0 ? name : ", " + name;
            if (lines[^1].Length + more.Length > Width)
            {
                lines[^1] += ",";
                lines.Add(name);
            }
            else
            {
                lines[^1] += more;
            }
        }

        return string.Join('\n', lines);
    }
}
