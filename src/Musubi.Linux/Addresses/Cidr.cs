using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Musubi.Linux.Addresses;

/// <summary>
/// An address with the length of its network's prefix. Host bits are kept: <c>10.0.0.5/24</c> is an interface's address, <c>10.0.0.0/24</c> a network.
/// </summary>
public readonly record struct Cidr
{
    /// <summary>Joins an address and a prefix length.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The prefix is longer than the address.</exception>
    public Cidr(IPAddress address, int prefixLength)
    {
        ArgumentNullException.ThrowIfNull(address);
        Address = IpText.Normalize(address);
        int bits = Bits;
        if (prefixLength < 0 || prefixLength > bits)
        {
            throw new ArgumentOutOfRangeException(nameof(prefixLength), prefixLength, $"The prefix of {IpText.Format(Address)} is 0 to {bits} bits long.");
        }

        PrefixLength = prefixLength;
    }

    /// <summary>The address with its host bits.</summary>
    public IPAddress Address { get; }

    /// <summary>Bits of the network part.</summary>
    public int PrefixLength { get; }

    /// <summary>Whether the address is IPv6.</summary>
    public bool IsIPv6 => Address.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>Bits of an address of this family: 32 or 128.</summary>
    public int Bits => IsIPv6 ? 128 : 32;

    /// <summary>The network: the address with its host bits cleared.</summary>
    public Cidr Network => new(IpText.FromNumber(IpText.ToNumber(Address) & MaskNumber, IsIPv6), PrefixLength);

    /// <summary>The network's mask as an address, such as 255.255.255.0.</summary>
    public IPAddress Mask => IpText.FromNumber(MaskNumber, IsIPv6);

    /// <summary>The last address of the network; in IPv4 the broadcast address.</summary>
    public IPAddress Broadcast => IpText.FromNumber(IpText.ToNumber(Address) | HostMask, IsIPv6);

    /// <summary>Whether no host bit is set.</summary>
    public bool IsNetwork => (IpText.ToNumber(Address) & HostMask) == 0;

    private UInt128 HostMask => PrefixLength == 0
        ? (IsIPv6 ? UInt128.MaxValue : uint.MaxValue)
        : (UInt128.One << (Bits - PrefixLength)) - 1;

    private UInt128 MaskNumber => ~HostMask & (IsIPv6 ? UInt128.MaxValue : uint.MaxValue);

    /// <summary>The network that holds one address only.</summary>
    public static Cidr Host(IPAddress address)
    {
        IPAddress normal = IpText.Normalize(address);
        return new Cidr(normal, normal.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32);
    }

    /// <summary>Reads <c>address/length</c>, strictly.</summary>
    /// <exception cref="FormatException">The text is not of this form.</exception>
    public static Cidr Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out Cidr cidr)
            ? cidr
            : throw new FormatException($"\"{text}\" is not an address with prefix length: expected one such as 192.0.2.0/24 or 2001:db8::/64.");

    /// <summary>Reads <c>address/length</c>, strictly.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Cidr cidr)
    {
        cidr = default;
        int slash = text.IndexOf('/');
        if (slash < 0 || !IpText.TryParseAddress(text[..slash], out IPAddress? address))
        {
            return false;
        }

        ReadOnlySpan<char> digits = text[(slash + 1)..];
        if (digits.Length is 0 or > 3 || (digits.Length > 1 && digits[0] == '0')
            || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int length))
        {
            return false;
        }

        // ::ffff:192.0.2.0/120 is 192.0.2.0/24 written as IPv6.
        if (address.AddressFamily == AddressFamily.InterNetwork && text.Contains(':'))
        {
            length -= 96;
        }

        if (length < 0 || length > (address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32))
        {
            return false;
        }

        cidr = new Cidr(address, length);
        return true;
    }

    /// <summary>Whether an address lies in this network.</summary>
    public bool Contains(IPAddress address)
    {
        // An IPv4-mapped address is an IPv4 address, and also one of the IPv6 networks that hold all of those.
        IPAddress other = IsIPv6 ? address : IpText.Normalize(address);
        return other.AddressFamily == Address.AddressFamily
            && ((IpText.ToNumber(other) ^ IpText.ToNumber(Address)) & MaskNumber) == 0;
    }

    /// <summary>Whether the two networks share an address.</summary>
    public bool Overlaps(Cidr other) =>
        other.PrefixLength >= PrefixLength ? Contains(other.Address) : other.Contains(Address);

    /// <summary><c>address/length</c> in canonical form.</summary>
    public override string ToString()
    {
        if (Address is null)
        {
            return "";
        }

        Span<char> buffer = stackalloc char[49];
        int written = IpText.Format(Address, buffer);
        buffer[written++] = '/';
        PrefixLength.TryFormat(buffer[written..], out int digits);
        return new string(buffer[..(written + digits)]);
    }
}
