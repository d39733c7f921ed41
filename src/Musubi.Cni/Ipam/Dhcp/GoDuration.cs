using System.Globalization;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>Lengths of time as Go programs take them: <c>2s</c>, <c>1m30s</c>, <c>300ms</c>, <c>1.5h</c>.</summary>
internal static class GoDuration
{
    private static readonly (string Unit, double Seconds)[] _units =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600)];

    /// <summary>Reads a length of time that is not negative.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text == "0")
        {
            return true;
        }

        double seconds = 0;
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            int digits = CountWhile(rest, c => char.IsAsciiDigit(c) || c == '.');
            int letters = CountWhile(rest[digits..], c => !char.IsAsciiDigit(c) && c != '.');
            string unit = rest.Slice(digits, letters).ToString();
            if (!double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number)
                || Array.FindIndex(_units, u => u.Unit == unit) is not (>= 0 and var index))
            {
                return false;
            }

            seconds += number * _units[index].Seconds;
            rest = rest[(digits + letters)..];
        }

        if (text.Length == 0 || seconds > TimeSpan.FromDays(365).TotalSeconds)
        {
            return false;
        }

        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }

    private static int CountWhile(ReadOnlySpan<char> text, Func<char, bool> holds)
    {
        int count = 0;
        while (count < text.Length && holds(text[count]))
        {
            count++;
        }

        return count;
    }
}
