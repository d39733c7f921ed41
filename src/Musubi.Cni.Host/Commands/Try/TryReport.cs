using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Musubi.Cni.Execution;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Host.Commands.Try;

/// <summary>What a try came to.</summary>
internal sealed record TryReport(NetworkConfigList Network)
{
    public CniResult? Result { get; init; }

    public CniException? Failure { get; init; }

    public CniException? DetachFailure { get; init; }

    public TimeSpan Attaching { get; init; }

    public TimeSpan Detaching { get; init; }

    public IReadOnlyList<KernelChange> Host { get; init; } = [];

    public IReadOnlyList<KernelChange> Container { get; init; } = [];

    /// <summary>What the host has in the end that it had not before.</summary>
    public IReadOnlyList<KernelChange> Left { get; init; } = [];

    /// <summary>Prints it for people.</summary>
    public void Print(TextWriter output, bool colour)
    {
        string plugins = string.Join(", ", Network.Plugins.Select(p => p.Text("type")));
        output.WriteLine($"Network {Network.Name}, version {Network.Version}: {plugins}");
        if (Failure is not null)
        {
            output.WriteLine(Paint($"Not attached: {Failure.Message} (code {Failure.Code})", "31", colour));
            if (!string.IsNullOrEmpty(Failure.Details))
            {
                output.WriteLine($"  {Failure.Details}");
            }
        }

        if (Result is not null)
        {
            output.WriteLine();
            output.WriteLine($"Result, after {Attaching.TotalMilliseconds:0.0} ms");
            output.WriteLine(Indent(Encoding.UTF8.GetString(CniResultJson.Write(Result, Network.Version))));
            PrintChanges(output, "On the host", Host, colour);
            PrintChanges(output, "In the container", Container, colour);
        }

        if (DetachFailure is not null)
        {
            output.WriteLine();
            output.WriteLine(Paint($"Not detached: {DetachFailure.Message} (code {DetachFailure.Code})", "31", colour));
        }
        else if (Result is not null)
        {
            output.WriteLine();
            output.WriteLine($"Detached, after {Detaching.TotalMilliseconds:0.0} ms");
        }

        PrintChanges(output, "Different on the host from before", Left, colour);
    }

    /// <summary>The same as JSON.</summary>
    public byte[] ToJson()
    {
        ArrayBufferWriter<byte> buffer = new(4096);
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("network", Network.Name);
            json.WriteString("cniVersion", Network.Version.ToString());
            if (Result is not null)
            {
                json.WritePropertyName("result");
                CniResultJson.WriteTo(json, Result, Network.Version);
                json.WriteNumber("attachMilliseconds", Math.Round(Attaching.TotalMilliseconds, 3));
                json.WriteNumber("detachMilliseconds", Math.Round(Detaching.TotalMilliseconds, 3));
            }

            WriteError(json, "error", Failure);
            WriteError(json, "detachError", DetachFailure);
            WriteChanges(json, "host", Host);
            WriteChanges(json, "container", Container);
            WriteChanges(json, "left", Left);
            json.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    private static void PrintChanges(TextWriter output, string title, IReadOnlyList<KernelChange> changes, bool colour)
    {
        output.WriteLine();
        output.WriteLine(changes.Count == 0 ? $"{title}: nothing" : title);
        for (int i = 0; i < changes.Count; i++)
        {
            KernelChange change = changes[i];
            string branch = i == changes.Count - 1 ? "└─ " : "├─ ";
            (string mark, string ink) = change switch
            {
                { Before: null } => ("+", "32"),
                { After: null } => ("-", "31"),
                _ => ("~", "33"),
            };
            string state = change switch
            {
                { Before: { Length: > 0 } before, After: { Length: > 0 } after } => $"{before} → {after}",
                _ => change.After ?? "",
            };
            output.WriteLine(branch + Paint($"{mark} {change.Kind} {change.Name}{(state.Length > 0 ? $": {state}" : "")}", ink, colour));
        }
    }

    private static string Paint(string text, string ink, bool colour) => colour ? $"\e[{ink}m{text}\e[0m" : text;

    private static string Indent(string text) => "  " + text.Replace("\n", "\n  ", StringComparison.Ordinal);

    private static void WriteError(Utf8JsonWriter json, string name, CniException? error)
    {
        if (error is not null)
        {
            json.WriteStartObject(name);
            json.WriteNumber("code", error.Code);
            json.WriteString("msg", error.Message);
            json.WriteString("details", error.Details);
            json.WriteEndObject();
        }
    }

    private static void WriteChanges(Utf8JsonWriter json, string name, IReadOnlyList<KernelChange> changes)
    {
        json.WriteStartArray(name);
        foreach (KernelChange change in changes)
        {
            json.WriteStartObject();
            json.WriteString("kind", change.Kind);
            json.WriteString("name", change.Name);
            json.WriteString("before", change.Before);
            json.WriteString("after", change.After);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
