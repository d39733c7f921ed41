using Musubi.Cni.Spec;
using Musubi.Linux.Addresses;
using Musubi.Linux.Nftables;

namespace Musubi.Cni.Plugins.Portmap;

/// <summary>A test that a connection must pass besides the port's own, from <c>conditionsV4</c> or <c>conditionsV6</c>.</summary>
/// <param name="What">What is compared.</param>
/// <param name="Negated">Whether it must differ.</param>
/// <param name="Network">The network, for addresses.</param>
/// <param name="Interface">The name, for interfaces; one that ends in <c>*</c> stands for all that begin so.</param>
internal sealed record PortmapCondition(PortmapCondition.Subject What, bool Negated, Cidr Network, string Interface)
{
    private const string Supported = "supported are the iptables words [!] -s NETWORK, [!] -d NETWORK, [!] -i INTERFACE "
        + "and the nft words ip|ip6 saddr|daddr [!=] NETWORK, iifname [!=] INTERFACE";

    public enum Subject
    {
        Source,
        Destination,
        InputInterface,
    }

    /// <summary>Reads the words of a family, which are those of iptables(8) or nft(8), one or several in each item.</summary>
    /// <exception cref="CniException">Code 2: a word that is not supported; the message names it and says which are.</exception>
    public static IReadOnlyList<PortmapCondition> ReadAll(ConfigObject config, string key, bool isIPv6)
    {
        string[] words = [.. (config.Texts(key) ?? []).SelectMany(t => t.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))];
        List<PortmapCondition> conditions = [];
        for (int i = 0; i < words.Length;)
        {
            conditions.Add(Read(words, ref i, key, isIPv6));
        }

        return conditions;
    }

    /// <summary>Puts the test into a rule.</summary>
    public void AppendTo(NftRuleBuilder rule)
    {
        if (What == Subject.InputInterface)
        {
            NftValue name = NftValue.OfInterface(Interface);
            _ = Negated ? rule.InputInterface().IsNot(name) : rule.InputInterface().Is(name);
        }
        else
        {
            NftSelector address = What == Subject.Source ? rule.Source(Network.Address.AddressFamily) : rule.Destination(Network.Address.AddressFamily);
            _ = Negated ? address.IsNotWithin(Network) : address.IsWithin(Network);
        }
    }

    private static PortmapCondition Read(string[] words, ref int i, string key, bool isIPv6)
    {
        bool negated = Accept(words, ref i, "!");
        bool isNft = words.ElementAtOrDefault(i) is "iifname" || Accept(words, ref i, isIPv6 ? "ip6" : "ip");
        Subject what = words.ElementAtOrDefault(i++) switch
        {
            "saddr" when isNft => Subject.Source,
            "daddr" when isNft => Subject.Destination,
            "iifname" => Subject.InputInterface,
            "-s" or "--source" or "--src" when !isNft => Subject.Source,
            "-d" or "--destination" or "--dst" when !isNft => Subject.Destination,
            "-i" or "--in-interface" when !isNft => Subject.InputInterface,
            _ => throw Unsupported(words, i - 1, key),
        };
        negated |= isNft && Accept(words, ref i, "!=");
        string value = words.ElementAtOrDefault(i++) ?? throw Unsupported(words, i - 1, key);
        return what == Subject.InputInterface
            ? new PortmapCondition(what, negated, default, InterfaceOf(value, isNft, key))
            : new PortmapCondition(what, negated, NetworkOf(value, key, isIPv6), "");
    }

    private static bool Accept(string[] words, ref int i, string word)
    {
        bool accepted = words.ElementAtOrDefault(i) == word;
        i += accepted ? 1 : 0;
        return accepted;
    }

    private static Cidr NetworkOf(string text, string key, bool isIPv6)
    {
        bool valid = Cidr.TryParse(text, out Cidr network);
        if (!valid && IpText.TryParseAddress(text, out System.Net.IPAddress? address))
        {
            (valid, network) = (true, Cidr.Host(address));
        }

        return valid && network.IsIPv6 == isIPv6
            ? network.Network
            : throw CniException.InvalidConfig($"{key}: \"{text}\" is not an {(isIPv6 ? "IPv6" : "IPv4")} address or network");
    }

    private static string InterfaceOf(string text, bool isNft, string key)
    {
        // iptables ends a beginning of names with a plus, nft with a star and puts names into quotes.
        string name = isNft ? text.Trim('"') : text.EndsWith('+') ? text[..^1] + "*" : text;
        int bytes = System.Text.Encoding.UTF8.GetByteCount(name.TrimEnd('*'));
        return bytes is > 0 and <= 15 ? name : throw CniException.InvalidConfig($"{key}: \"{text}\" is not an interface's name");
    }

    private static CniException Unsupported(string[] words, int at, string key) =>
        new(CniErrorCode.UnsupportedField, $"{key}: {(at < words.Length ? $"\"{words[at]}\" is not supported" : "a word is missing at the end")}; {Supported}");
}
