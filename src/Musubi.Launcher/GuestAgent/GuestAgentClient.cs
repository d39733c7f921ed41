using System.Text.Json;
using Musubi.Launcher.Qemu;
using Musubi.Machines;

namespace Musubi.Launcher.GuestAgent;

/// <summary>An interface as the guest reports it (guest-network-get-interfaces).</summary>
/// <param name="Name">Name in the guest.</param>
/// <param name="Mac">Hardware address in lower case; null when the guest tells none.</param>
/// <param name="Addresses">Addresses without prefix lengths.</param>
internal sealed record GuestInterface(string Name, string? Mac, IReadOnlyList<string> Addresses);

/// <summary>What the guest said of itself.</summary>
/// <param name="Interfaces">Interfaces other than the loopback.</param>
/// <param name="Os">Operating system; null when the agent could not tell.</param>
/// <param name="Hostname">Host name; null when the agent could not tell.</param>
internal sealed record GuestReport(IReadOnlyList<GuestInterface> Interfaces, GuestOs? Os, string? Hostname);

/// <summary>Asks the QEMU guest agent over its virtio-serial port.</summary>
internal sealed class GuestAgentClient(string socketPath)
{
    private static readonly TimeSpan _answerLimit = TimeSpan.FromSeconds(5);

    /// <summary>Asks everything; null when no agent answers within the limit.</summary>
    public async Task<GuestReport?> AskAsync(CancellationToken ct)
    {
        try
        {
            // A connection for each question: an agent that was restarted, or a guest that was reset, leaves nothing stale behind.
            await using QmpClient agent = await QmpClient.ConnectAsync(socketPath, negotiate: false, (_, _) => { }, ct);
            await agent.ExecuteAsync("guest-ping", arguments: null, _answerLimit, ct);
            IReadOnlyList<GuestInterface> interfaces = ReadInterfaces(await agent.ExecuteAsync("guest-network-get-interfaces", arguments: null, _answerLimit, ct));
            GuestOs? os = ReadOs(await TryAsync(agent, "guest-get-osinfo", ct));
            string? hostname = Text(await TryAsync(agent, "guest-get-host-name", ct), "host-name");
            return new GuestReport(interfaces, os, hostname);
        }
        catch (Exception e) when (e is QmpException or TimeoutException or System.Net.Sockets.SocketException)
        {
            return null;
        }
    }

    private static async Task<JsonElement> TryAsync(QmpClient agent, string command, CancellationToken ct)
    {
        try
        {
            return await agent.ExecuteAsync(command, arguments: null, _answerLimit, ct);
        }
        catch (QmpException)
        {
            return default; // an agent built or configured without the command
        }
    }

    internal static IReadOnlyList<GuestInterface> ReadInterfaces(JsonElement list)
    {
        List<GuestInterface> interfaces = [];
        if (list.ValueKind != JsonValueKind.Array)
        {
            return interfaces;
        }

        foreach (JsonElement item in list.EnumerateArray())
        {
            if (Text(item, "name") is not { } name || name == "lo")
            {
                continue;
            }

            List<string> addresses = [];
            if (item.TryGetProperty("ip-addresses", out JsonElement ips) && ips.ValueKind == JsonValueKind.Array)
            {
                addresses.AddRange(ips.EnumerateArray().Select(ip => Text(ip, "ip-address")).OfType<string>());
            }

            interfaces.Add(new GuestInterface(name, Text(item, "hardware-address")?.ToLowerInvariant(), addresses));
        }

        return interfaces;
    }

    private static GuestOs? ReadOs(JsonElement os) => os.ValueKind != JsonValueKind.Object ? null : new GuestOs
    {
        Name = Text(os, "name"),
        Id = Text(os, "id"),
        Version = Text(os, "version"),
        VersionId = Text(os, "version-id"),
        PrettyName = Text(os, "pretty-name"),
        KernelRelease = Text(os, "kernel-release"),
        KernelVersion = Text(os, "kernel-version"),
        Machine = Text(os, "machine"),
    };

    private static string? Text(JsonElement owner, string key) =>
        owner.ValueKind == JsonValueKind.Object && owner.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
