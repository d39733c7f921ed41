using System.Text.RegularExpressions;
using Musubi.Kubernetes.Objects;
using Musubi.Linux.Addresses;

namespace Musubi.ApiServer.Schemas;

/// <summary>The <c>format</c>s of strings that definitions may name; others mean nothing, as upstream.</summary>
internal static partial class TextFormats
{
    public static bool Fits(string format, string text) => format switch
    {
        "date-time" or "datetime" => KubeTime.TryParse(text, out _),
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", out _),
        "ipv4" => IpText.TryParseAddress(text, out System.Net.IPAddress? four) && four.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork,
        "ipv6" => IpText.TryParseAddress(text, out System.Net.IPAddress? six) && six.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6,
        "cidr" => Cidr.TryParse(text, out _),
        "mac" => MacAddress.TryParse(text, out _),
        "uuid" => Uuid().IsMatch(text),
        "uri" => Uri.TryCreate(text, UriKind.Absolute, out _),
        "email" => Email().IsMatch(text),
        "hostname" => text.Length <= 253 && Hostname().IsMatch(text),
        "byte" => System.Buffers.Text.Base64.IsValid(text),
        "duration" => Duration().IsMatch(text),
        _ => true,
    };

    [GeneratedRegex("^[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}$")]
    private static partial Regex Uuid();

    [GeneratedRegex("^[^@\\s]+@[^@\\s]+$")]
    private static partial Regex Email();

    [GeneratedRegex("^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*$")]
    private static partial Regex Hostname();

    [GeneratedRegex("^-?([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$|^0$")]
    private static partial Regex Duration();
}
