namespace Musubi.Linux.Nftables;

/// <summary>A place for a value while a rule runs. There are 64 bytes, counted in words of four; longer values take several words.</summary>
/// <param name="Word">The first word, 0 to 15.</param>
public readonly record struct NftRegister(int Word)
{
    private const uint FirstOfSixteenBytes = 1;
    private const uint FirstOfFourBytes = 8;

    /// <summary>
    /// The number by which the kernel knows it. Whole sixteen-byte registers have numbers of their own, which the kernel prefers when it reports.
    /// </summary>
    internal uint Number => Word % 4 == 0 ? FirstOfSixteenBytes + (uint)(Word / 4) : FirstOfFourBytes + (uint)Word;

    internal static NftRegister Of(uint number) => new((int)(number >= FirstOfFourBytes ? number - FirstOfFourBytes : (number - FirstOfSixteenBytes) * 4));
}
