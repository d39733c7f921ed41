using System.Buffers;
using System.Text.Json;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>
/// What plugin and daemon say to each other: over a connection goes one JSON object each way, ended by a newline. Both carry <c>version</c>; plugin and
/// daemon are replaced together, and a daemon that is not (yet) says so.
/// </summary>
internal static class DaemonProtocol
{
    public const int Version = 1;
    public const byte End = (byte)'\n';

    /// <summary>The largest request: one of GC, which names every container of the host.</summary>
    public const int LargestRequest = 4 << 20;

    public const string Allocate = "allocate";
    public const string Check = "check";
    public const string Release = "release";
    public const string Collect = "collect";
    public const string Status = "status";

    /// <summary>A message with its end.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> members)
    {
        ArrayBufferWriter<byte> buffer = new(512);
        using (Utf8JsonWriter json = new(buffer))
        {
            json.WriteStartObject();
            json.WriteNumber("version", Version);
            members(json);
            json.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, End];
    }

    /// <summary>The answer that says what went wrong.</summary>
    public static byte[] Error(CniException error) => Write(json =>
    {
        json.WriteStartObject("error");
        json.WriteNumber("code", error.Code);
        json.WriteString("msg", error.Message);
        json.WriteString("details", error.Details);
        json.WriteEndObject();
    });

    /// <summary>The answer with a lease.</summary>
    public static byte[] Result(CniResult result) => Write(json =>
    {
        json.WritePropertyName("result");
        CniResultJson.WriteTo(json, result, CniVersion.V110);
    });

    /// <summary>Reads a message.</summary>
    /// <exception cref="CniException">It is of another version, or none.</exception>
    public static ConfigObject Read(ReadOnlyMemory<byte> message)
    {
        ConfigObject read = ConfigObject.Parse(message);
        return read.Number("version") == Version
            ? read
            : throw new CniException(CniErrorCode.TryAgainLater, $"the dhcp plugin and the daemon are of different versions: start the daemon anew");
    }
}
