using System.Buffers;
using System.Text.Json;
using Musubi.Cni.Spec;
using Musubi.Linux.Files;

namespace Musubi.Cni.Execution;

/// <summary>A plugin as a process: environment and standard input in, standard output and exit code out (CNI specification, section 2).</summary>
public static class PluginProcess
{
    private const int LargestConfig = 16 << 20;

    /// <summary>Serves one call.</summary>
    /// <param name="plugin">The plugin, chosen by the name the executable was called by.</param>
    /// <param name="input">Standard input.</param>
    /// <param name="output">Standard output: the result or the error object.</param>
    /// <param name="log">Standard error.</param>
    /// <param name="executable">Path of the running executable, whose other names are served in process.</param>
    /// <returns>The exit code: 0, or 1 with an error object printed.</returns>
    public static int Run(ICniPlugin plugin, Stream input, Stream output, TextWriter log, string? executable)
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CNI_COMMAND")))
        {
            // Runtimes and people ask a plugin for its version by calling it with nothing.
            log.WriteLine($"Musubi CNI {plugin.Name} plugin {typeof(PluginProcess).Assembly.GetName().Version?.ToString(3)}");
            log.WriteLine($"CNI protocol versions supported: {string.Join(", ", CniVersion.Supported)}");
            return 0;
        }

        string version = "";
        try
        {
            CniInvocation invocation = CniInvocation.FromEnvironment(Environment.GetEnvironmentVariable);
            if (invocation.Command == CniCommand.Version)
            {
                output.Write(VersionReport());
                return 0;
            }

            byte[] config = ReadAll(input);
            version = VersionOf(config);
            PluginEnvironment environment = new(new DelegateRunner(executable, preferOwn: false), Host: null, log);
            if (PluginRunner.Run(plugin, invocation with { Config = config }, environment) is { } done)
            {
                output.Write(CniResultJson.Write(done.Result, done.Version));
            }

            return 0;
        }
        catch (CniException e)
        {
            output.Write(ErrorReport(e, version));
            return 1;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or ArgumentException or FormatException or OverflowException)
        {
            output.Write(ErrorReport(new CniException(CniErrorCode.Internal, FileErrors.Describe(e)), version));
            return 1;
        }
    }

    /// <summary>The error object of the specification, section "Error".</summary>
    public static byte[] ErrorReport(CniException error, string cniVersion)
    {
        ArrayBufferWriter<byte> buffer = new(256);
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Indented = true, IndentSize = 4, Encoder = PlainJsonEncoder.Instance }))
        {
            json.WriteStartObject();
            if (cniVersion.Length > 0)
            {
                json.WriteString("cniVersion", cniVersion);
            }

            json.WriteNumber("code", error.Code);
            json.WriteString("msg", error.Message);
            if (!string.IsNullOrEmpty(error.Details))
            {
                json.WriteString("details", error.Details);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] VersionReport()
    {
        ArrayBufferWriter<byte> buffer = new(128);
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = PlainJsonEncoder.Instance }))
        {
            json.WriteStartObject();
            json.WriteString("cniVersion", CniVersion.V110.ToString());
            json.WriteStartArray("supportedVersions");
            foreach (string supported in CniVersion.Supported)
            {
                json.WriteStringValue(supported);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    private static byte[] ReadAll(Stream input)
    {
        using MemoryStream buffer = new(4096);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            for (int read; (read = input.Read(chunk)) > 0;)
            {
                buffer.Write(chunk, 0, read);
                if (buffer.Length > LargestConfig)
                {
                    throw new CniException(CniErrorCode.IoFailure, $"the configuration on standard input is larger than {LargestConfig >> 20} MiB");
                }
            }
        }
        catch (IOException e)
        {
            throw new CniException(CniErrorCode.IoFailure, $"error reading from stdin: {FileErrors.Describe(e)}");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }

        return buffer.ToArray();
    }

    /// <summary>The version errors are reported in: the configuration's, where it can be read at all.</summary>
    private static string VersionOf(byte[] config)
    {
        try
        {
            return ConfigObject.Parse(config).Text("cniVersion") ?? "";
        }
        catch (CniException)
        {
            return "";
        }
    }
}
