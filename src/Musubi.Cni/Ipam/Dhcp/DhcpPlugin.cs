using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>
/// IPAM that gets an address from a DHCP server of the network (IPv4; there is no DHCPv6). The daemon does the work, because a lease has to be kept alive for
/// as long as the container lives.
/// </summary>
internal sealed class DhcpPlugin : ICniPlugin
{
    /// <summary>The daemon gives up earlier, by its own flag; this is for one that hangs.</summary>
    private static readonly TimeSpan _allocationLimit = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan _answerLimit = TimeSpan.FromSeconds(10);

    /// <inheritdoc/>
    public string Name => "dhcp";

    /// <inheritdoc/>
    public CniResult Add(PluginCall call)
    {
        ConfigObject ipam = IpamArguments.Ipam(call);
        RefuseIPv6(ipam);
        ClientSettings settings = ClientSettings.Read(call, ipam);
        ConfigObject answer = Ask(call, ipam, "DHCP.Allocate", DaemonProtocol.Allocate, _allocationLimit, json => SettingsJson.Write(json, settings));
        return answer.Object("result") is { } result
            ? CniResultJson.Read(result, CniVersion.V110)
            : throw new CniException(CniErrorCode.DecodingFailure, "error calling DHCP.Allocate: the daemon's answer holds no result");
    }

    /// <inheritdoc/>
    public void Check(PluginCall call) =>
        Ask(call, IpamArguments.Ipam(call), "DHCP.Check", DaemonProtocol.Check, _answerLimit, _ => { });

    /// <inheritdoc/>
    public void Del(PluginCall call)
    {
        // The configuration may have been broken since; without a word on the socket it is the usual one.
        ConfigObject? ipam = call.Config.Find("ipam") is { ValueKind: JsonValueKind.Object } ? call.Config.Object("ipam") : null;
        ipam = ipam?.Find("daemonSocketPath") is { ValueKind: JsonValueKind.String } ? ipam : null;
        try
        {
            Ask(call, ipam, "DHCP.Release", DaemonProtocol.Release, _answerLimit, _ => { });
        }
        catch (DaemonUnreachableException e)
        {
            // The next daemon finds the interface gone and drops the lease; the server takes the address back when it expires.
            call.Environment.Log.WriteLine($"the lease is not given back: {e.Message}");
        }
    }

    /// <inheritdoc/>
    public void Gc(PluginCall call) =>
        Ask(call, IpamArguments.Ipam(call), "DHCP.Collect", DaemonProtocol.Collect, _answerLimit, json =>
        {
            json.WriteStartArray("valid");
            foreach ((string containerId, string ifName) in call.ValidAttachments)
            {
                json.WriteStartObject();
                json.WriteString("containerId", containerId);
                json.WriteString("ifName", ifName);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });

    /// <inheritdoc/>
    public void Status(PluginCall call)
    {
        try
        {
            Ask(call, IpamArguments.Ipam(call), "DHCP.Status", DaemonProtocol.Status, _answerLimit, _ => { });
        }
        catch (Exception e) when (e is DaemonUnreachableException or CniException { Code: not CniErrorCode.InvalidNetworkConfig })
        {
            throw new CniException(CniErrorCode.PluginNotAvailable, e.Message, details: null, e);
        }
    }

    private static ConfigObject Ask(PluginCall call, ConfigObject? ipam, string name, string verb, TimeSpan limit, Action<Utf8JsonWriter> members)
    {
        string socket = ipam?.Text("daemonSocketPath") is { Length: > 0 } path ? path : DaemonOptions.DefaultSocket;
        void Write(Utf8JsonWriter json)
        {
            json.WriteString("containerId", call.Invocation.ContainerId);
            json.WriteString("network", call.NetworkName);
            json.WriteString("ifName", call.Invocation.IfName);
            json.WriteString("netns", call.Invocation.Netns.Length == 0 ? "" : Path.GetFullPath(call.Invocation.Netns));
            members(json);
        }

        try
        {
            return DaemonClient.Ask(socket, name, verb, limit, Write);
        }
        catch (DaemonUnreachableException e) when (verb is DaemonProtocol.Allocate or DaemonProtocol.Check or DaemonProtocol.Collect)
        {
            throw new CniException(CniErrorCode.TryAgainLater, e.Message, details: null, e);
        }
    }

    /// <summary>Nobody should believe to have what there is not.</summary>
    private static void RefuseIPv6(ConfigObject ipam)
    {
        foreach (string key in (ReadOnlySpan<string>)["ipv6", "dhcpv6"])
        {
            if (ipam.Find(key) is { ValueKind: not JsonValueKind.False })
            {
                throw new CniException(CniErrorCode.UnsupportedField,
                    $"{ipam.PathOf(key)}: the dhcp plugin gives IPv4 addresses only; for IPv6 use router advertisements (SLAAC), host-local or static");
            }
        }
    }
}
