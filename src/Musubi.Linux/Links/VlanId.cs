using System.Globalization;

namespace Musubi.Linux.Links;

/// <summary>An IEEE 802.1Q VLAN identifier that may be assigned: 1 to 4094.</summary>
public readonly record struct VlanId : IComparable<VlanId>
{
    /// <summary>The lowest identifier.</summary>
    public const int MinValue = 1;

    /// <summary>The highest identifier; 4095 is reserved.</summary>
    public const int MaxValue = 4094;

    private readonly ushort _value;

    /// <summary>Makes an identifier from a number.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is not within 1 and 4094.</exception>
    public VlanId(int value)
    {
        if (value is < MinValue or > MaxValue)
        {
            throw new ArgumentOutOfRangeException(nameof(value), value, $"A VLAN ID is a number from {MinValue} to {MaxValue}.");
        }

        _value = (ushort)value;
    }

    /// <summary>The number.</summary>
    public int Value => _value;

    /// <summary>Makes an identifier if the number is one.</summary>
    public static bool TryCreate(int value, out VlanId vlan)
    {
        bool valid = value is >= MinValue and <= MaxValue;
        vlan = valid ? new VlanId(value) : default;
        return valid;
    }

    /// <summary>Reads a decimal number.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out VlanId vlan)
    {
        vlan = default;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && TryCreate(value, out vlan);
    }

    /// <inheritdoc/>
    public int CompareTo(VlanId other) => _value.CompareTo(other._value);

    /// <inheritdoc/>
    public override string ToString() => _value.ToString();
}
