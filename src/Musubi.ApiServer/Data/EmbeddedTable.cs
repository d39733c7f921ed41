namespace Musubi.ApiServer.Data;

/// <summary>The tables that describe the built-in kinds, as lines of tab-separated columns.</summary>
internal static class EmbeddedTable
{
    /// <summary>The lines of one table; empty columns at the end of a line may be missing.</summary>
    public static IEnumerable<string[]> Lines(string name)
    {
        using Stream stream = typeof(EmbeddedTable).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the program was built without its table {name}");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
            if (line.Length > 0 && line[0] != '#') yield return line.Split('\t');
    }
}
