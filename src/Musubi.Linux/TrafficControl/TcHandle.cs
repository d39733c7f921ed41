using System.Globalization;

namespace Musubi.Linux.TrafficControl;

/// <summary>The name of a queueing discipline (<c>1:</c>) or of a class (<c>1:30</c>); tc(8). Both numbers are written hexadecimal.</summary>
/// <param name="Major">The discipline.</param>
/// <param name="Minor">The class in it; 0 is the discipline itself.</param>
public readonly record struct TcHandle(ushort Major, ushort Minor)
{
    /// <summary>The parent of what shapes everything that leaves an interface.</summary>
    public static TcHandle Root => new(0xffff, 0xffff);

    /// <summary>The parent of the <c>ingress</c> discipline.</summary>
    public static TcHandle Ingress => new(0xffff, 0xfff1);

    /// <summary>The handle that the <c>ingress</c> discipline always has.</summary>
    public static TcHandle IngressQdisc => new(0xffff, 0);

    internal uint Number => ((uint)Major << 16) | Minor;

    /// <summary>As tc(8) writes it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Major:x}:{(Minor == 0 ? "" : Minor.ToString("x", CultureInfo.InvariantCulture))}");

    internal static TcHandle Of(uint number) => new((ushort)(number >> 16), (ushort)number);
}
