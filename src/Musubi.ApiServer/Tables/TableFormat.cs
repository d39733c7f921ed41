using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Tables;

/// <summary>One column of a table.</summary>
internal sealed record TableColumn(string Name, string Type, string Format = "", string Description = "", int Priority = 0);

/// <summary>How objects of one kind become rows.</summary>
internal abstract class TableFormat
{
    /// <summary>What a kind without columns of its own gets.</summary>
    public static TableFormat NameAndAge { get; } = new CellTable(
        [new TableColumn("Name", "string", "name", "Name must be unique within a namespace."), new TableColumn("Age", "string")],
        static (obj, now) => [Cell.Name(obj), Cell.Age(obj, now)]);

    public abstract IReadOnlyList<TableColumn> Columns { get; }

    public abstract JsonArray Cells(JsonObject obj, DateTimeOffset now);
}

/// <summary>Cells by code.</summary>
internal sealed class CellTable(IReadOnlyList<TableColumn> columns, Func<JsonObject, DateTimeOffset, JsonArray> cells) : TableFormat
{
    public override IReadOnlyList<TableColumn> Columns => columns;

    public override JsonArray Cells(JsonObject obj, DateTimeOffset now) => cells(obj, now);
}

/// <summary>Cells that many kinds have.</summary>
internal static class Cell
{
    public const string None = "<none>";

    public static JsonNode Name(JsonObject obj) => obj.At("metadata", "name").AsText() ?? "";

    public static JsonNode Age(JsonObject obj, DateTimeOffset now) => Age(obj.At("metadata", "creationTimestamp").AsText(), now);

    public static string Age(string? timestamp, DateTimeOffset now) =>
        KubeTime.TryParse(timestamp, out DateTimeOffset then) ? HumanDuration(now - then) : "<unknown>";

    /// <summary>A duration in at most two units, coarser the longer it is.</summary>
    public static string HumanDuration(TimeSpan d)
    {
        long seconds = (long)Math.Floor(d.TotalSeconds);
        if (seconds < -1) return "<invalid>";
        if (seconds < 0) return "0s";
        if (seconds < 120) return $"{seconds}s";
        long minutes = seconds / 60;
        if (minutes < 10) return Two(minutes, "m", seconds % 60, "s");
        if (minutes < 180) return $"{minutes}m";
        long hours = minutes / 60;
        if (hours < 8) return Two(hours, "h", minutes % 60, "m");
        if (hours < 48) return $"{hours}h";
        long days = hours / 24;
        if (hours < 192) return Two(days, "d", hours % 24, "h");
        if (days < 365 * 2) return $"{days}d";
        long years = days / 365;
        return days < 365 * 8 ? Two(years, "y", days % 365, "d") : $"{years}y";

        static string Two(long a, string unitA, long b, string unitB) => b == 0 ? $"{a}{unitA}" : $"{a}{unitA}{b}{unitB}";
    }
}
