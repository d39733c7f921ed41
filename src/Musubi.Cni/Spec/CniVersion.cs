namespace Musubi.Cni.Spec;

/// <summary>A version of the CNI specification, as the <c>cniVersion</c> key holds it.</summary>
/// <param name="Major">First number.</param>
/// <param name="Minor">Second number.</param>
/// <param name="Patch">Third number.</param>
public readonly record struct CniVersion(int Major, int Minor, int Patch) : IComparable<CniVersion>
{
    /// <summary>0.3.0, the first with interface lists; the oldest that this project promises.</summary>
    public static readonly CniVersion V030 = new(0, 3, 0);

    /// <summary>0.4.0, the first with CHECK.</summary>
    public static readonly CniVersion V040 = new(0, 4, 0);

    /// <summary>1.0.0, the first without address family versions.</summary>
    public static readonly CniVersion V100 = new(1, 0, 0);

    /// <summary>1.1.0, the first with GC and STATUS; the newest supported.</summary>
    public static readonly CniVersion V110 = new(1, 1, 0);

    /// <summary>Every supported version, oldest first, as VERSION reports them.</summary>
    public static readonly IReadOnlyList<string> Supported = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

    /// <summary>Reads a supported version; absent or empty means 0.1.0.</summary>
    /// <exception cref="CniException">Code 1: the version is not one of <see cref="Supported"/>.</exception>
    public static CniVersion Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return new(0, 1, 0);
        }

        foreach (string known in Supported)
        {
            if (known == text)
            {
                return new(text[0] - '0', text[2] - '0', text[4] - '0');
            }
        }

        string list = string.Join(' ', Supported.Select(v => $"\"{v}\""));
        throw new CniException(CniErrorCode.IncompatibleVersion, "incompatible CNI versions", $"config is \"{text}\", plugin supports [{list}]");
    }

    /// <inheritdoc/>
    public int CompareTo(CniVersion other) => (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));

    /// <inheritdoc/>
    public override string ToString() => $"{Major}.{Minor}.{Patch}";

    /// <summary>Older.</summary>
    public static bool operator <(CniVersion a, CniVersion b) => a.CompareTo(b) < 0;

    /// <summary>Newer.</summary>
    public static bool operator >(CniVersion a, CniVersion b) => a.CompareTo(b) > 0;

    /// <summary>Older or the same.</summary>
    public static bool operator <=(CniVersion a, CniVersion b) => a.CompareTo(b) <= 0;

    /// <summary>Newer or the same.</summary>
    public static bool operator >=(CniVersion a, CniVersion b) => a.CompareTo(b) >= 0;
}
