using System.Globalization;

namespace Musubi.Bench;

/// <summary>Figures as a page that can be committed: the machine and day first, then rows of measured against goal.</summary>
internal static class Report
{
    public static void Head(string title)
    {
        string kernel = File.ReadAllText("/proc/sys/kernel/osrelease").Trim();
        string cpu = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown processor";
        Console.WriteLine($"# {title}\n");
        Console.WriteLine($"{TimeProvider.System.GetUtcNow():yyyy-MM-dd}, {Environment.ProcessorCount} × {cpu}, Linux {kernel}. Medians, 90th percentiles in brackets; milliseconds of wall time unless noted.\n");
    }

    public static void Row(params string[] cells) => Console.WriteLine($"| {string.Join(" | ", cells)} |");

    public static void Table(params string[] columns)
    {
        Row(columns);
        Row([.. columns.Select(_ => "---")]);
    }

    public static string Verdict(bool met) => met ? "met" : "**missed**";

    public static string Number(double value, string format = "0.0") => value.ToString(format, CultureInfo.InvariantCulture);
}

/// <summary>Samples of one measurement.</summary>
internal sealed class Samples
{
    private readonly List<double> _values = [];

    public void Add(TimeSpan elapsed) => _values.Add(elapsed.TotalMilliseconds);

    public double Median => Percentile(0.5);

    public double Percentile(double share)
    {
        double[] sorted = [.. _values.Order()];
        return sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
    }

    public override string ToString() => $"{Report.Number(Median)} ({Report.Number(Percentile(0.9))})";
}
