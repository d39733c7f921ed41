using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Json;
using Musubi.Kubernetes.Objects;

namespace Musubi.ApiServer.Tables;

/// <summary>The table of a custom kind: its name, and what its definition's column paths find.</summary>
internal sealed class ColumnTable : TableFormat
{
    private readonly (TableColumn Column, JsonPath Path)[] _columns;

    private ColumnTable((TableColumn, JsonPath)[] columns)
    {
        _columns = columns;
        Columns = [new TableColumn("Name", "string", "name", "Name must be unique within a namespace."), .. _columns.Select(c => c.Column)];
    }

    public override IReadOnlyList<TableColumn> Columns { get; }

    public static TableFormat FromDefinition(JsonArray? columns)
    {
        if (columns is null or { Count: 0 })
            return new ColumnTable([(new TableColumn("Age", "date"), JsonPath.Parse(".metadata.creationTimestamp"))]);
        return new ColumnTable([.. columns.Objects().Select(c => (
            new TableColumn(c.Text("name") ?? "", c.Text("type") ?? "string", c.Text("format") ?? "", c.Text("description") ?? "", (int)(c.Integer("priority") ?? 0)),
            JsonPath.Parse(c.Text("jsonPath") ?? "")))]);
    }

    public override JsonArray Cells(JsonObject obj, DateTimeOffset now)
    {
        var cells = new JsonArray { Cell.Name(obj) };
        foreach ((TableColumn column, JsonPath path) in _columns) cells.Add(CellOf(column, path.First(obj), now));
        return cells;
    }

    private static JsonNode? CellOf(TableColumn column, JsonNode? found, DateTimeOffset now) => (column.Type, found) switch
    {
        (_, null) => null,
        ("date", _) => found.AsText() is { } time ? Cell.Age(time, now) : null,
        ("integer", JsonValue v) => v.TryInt64(out long n) ? n : null,
        ("number", JsonValue v) => v.GetValueKind() == JsonValueKind.Number ? v.DeepClone() : null,
        ("boolean", JsonValue v) => v.GetValueKind() is JsonValueKind.True or JsonValueKind.False ? v.DeepClone() : null,
        ("string", _) => found.AsText() ?? JsonTree.ToText(found),
        _ => null,
    };
}
