using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Dhcp;
using Musubi.Linux.Links;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>Which interface of which namespace a lease is for. A path or a name may come to mean another one.</summary>
/// <param name="Netns">Path of the namespace, as the runtime names it.</param>
/// <param name="Device">Device number of the namespace's file.</param>
/// <param name="Inode">Inode of the namespace's file.</param>
/// <param name="Link">The interface's number.</param>
internal readonly record struct LeasePlace(string Netns, ulong Device, ulong Inode, LinkIndex Link);

/// <summary>A lease as a granting message, an acknowledgement, and what was true when it came.</summary>
/// <param name="Acknowledgement">The message.</param>
/// <param name="Neighbour">Who delivered it on the link.</param>
/// <param name="GrantedAt">When, since the machine's start.</param>
internal sealed record GrantedLease(DhcpMessage Acknowledgement, MacAddress Neighbour, TimeSpan GrantedAt);

/// <summary>A lease as it is written down, so that a daemon that is started again goes on with it.</summary>
/// <param name="Key">What it is for.</param>
/// <param name="Place">The interface.</param>
/// <param name="Settings">What is asked for.</param>
/// <param name="Lease">What was granted; null when that was lost and another is looked for.</param>
internal sealed record LeaseRecord(LeaseKey Key, LeasePlace Place, ClientSettings Settings, GrantedLease? Lease)
{
    private const int Version = 1;

    /// <summary>The record as JSON.</summary>
    /// <param name="bootId">The start of the machine that times and namespaces are of.</param>
    public byte[] Write(string bootId)
    {
        ArrayBufferWriter<byte> buffer = new(1024);
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            json.WriteString("bootId", bootId);
            json.WriteString("containerId", Key.ContainerId);
            json.WriteString("network", Key.Network);
            json.WriteString("ifName", Key.IfName);
            json.WriteString("netns", Place.Netns);
            json.WriteString("netnsDevice", Place.Device.ToString(CultureInfo.InvariantCulture));
            json.WriteString("netnsInode", Place.Inode.ToString(CultureInfo.InvariantCulture));
            json.WriteNumber("link", Place.Link.Value);
            SettingsJson.Write(json, Settings);
            if (Lease is { } lease)
            {
                json.WriteString("grantedAtMilliseconds", ((long)lease.GrantedAt.TotalMilliseconds).ToString(CultureInfo.InvariantCulture));
                json.WriteString("neighbour", lease.Neighbour.ToString());
                json.WriteBase64String("acknowledgement", lease.Acknowledgement.Write());
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a record; null when it is none, or of an earlier start of the machine, after which no namespace is left.</summary>
    public static LeaseRecord? Read(byte[] json, string bootId)
    {
        try
        {
            ConfigObject record = ConfigObject.Parse(json);
            if (record.Number("version") != Version || record.Text("bootId") != bootId)
            {
                return null;
            }

            return new LeaseRecord(
                new LeaseKey(record.Text("containerId") ?? "", record.Text("network") ?? "", record.Text("ifName") ?? ""),
                new LeasePlace(record.Text("netns") ?? "", Number(record, "netnsDevice"), Number(record, "netnsInode"), new LinkIndex(record.Number("link") ?? 0)),
                SettingsJson.Read(record),
                record.Text("acknowledgement") is not { } acknowledgement
                    ? null
                    : new GrantedLease(
                        DhcpMessage.Parse(Convert.FromBase64String(acknowledgement)) ?? throw new FormatException("no DHCP message"),
                        MacAddress.Parse(record.Text("neighbour")),
                        TimeSpan.FromMilliseconds(Number(record, "grantedAtMilliseconds"))));
        }
        catch (Exception e) when (e is CniException or FormatException or OverflowException)
        {
            return null;
        }
    }

    private static ulong Number(ConfigObject record, string key) => ulong.Parse(record.Text(key) ?? "", NumberStyles.None, CultureInfo.InvariantCulture);
}
