using System.Text.Json;
using System.Text.Json.Serialization;

namespace Musubi.Machines;

/// <summary>JSON of everything agent and launcher exchange.</summary>
/// <remarks>The records have setters, not initialisers only: generated readers give members that are absent their defaults only then.</remarks>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MachineSpec))]
[JsonSerializable(typeof(MachineStatus))]
[JsonSerializable(typeof(MachineRequest))]
public sealed partial class MachineJson : JsonSerializerContext
{
    /// <summary>Writes a file so that a reader or a crash sees the old content or the new, never a part.</summary>
    public static void Save<T>(string path, T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        string temporary = path + ".new";
        using (FileStream file = new(temporary, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            JsonSerializer.Serialize(file, value, type);
        }

        File.Move(temporary, path, overwrite: true);
    }

    /// <summary>Reads a file; null when it is not there.</summary>
    public static T? Load<T>(string path, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            return JsonSerializer.Deserialize(file, type);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
