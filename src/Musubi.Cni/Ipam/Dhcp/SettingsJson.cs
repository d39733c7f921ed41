using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Linux.Dhcp;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>The members of a JSON object that hold <see cref="ClientSettings"/>, in requests and in records.</summary>
internal static class SettingsJson
{
    public static void Write(Utf8JsonWriter json, ClientSettings settings)
    {
        json.WriteBase64String("parameterList", settings.ParameterList);
        json.WriteNumber("priority", settings.Priority);
        json.WriteStartArray("options");
        foreach ((DhcpOption code, byte[] value) in settings.Options)
        {
            json.WriteStartObject();
            json.WriteNumber("code", (byte)code);
            json.WriteBase64String("value", value);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <exception cref="FormatException">A member is malformed.</exception>
    public static ClientSettings Read(ConfigObject item) => new()
    {
        ParameterList = Convert.FromBase64String(item.Text("parameterList") ?? ""),
        Priority = item.Number("priority") ?? 0,
        Options =
        [
            .. (item.Objects("options") ?? []).Select(o => new KeyValuePair<DhcpOption, byte[]>(
                (DhcpOption)checked((byte)(o.Number("code") ?? 0)), Convert.FromBase64String(o.Text("value") ?? ""))),
        ],
    };
}
