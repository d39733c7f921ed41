using System.Formats.Tar;
using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Musubi.Node.Images;

/// <summary>An image of the local store.</summary>
public sealed record StoredImage
{
    /// <summary>Name, as manifests write it: <c>musubi/guest:latest</c>.</summary>
    public required string Name { get; init; }

    /// <summary>When it was imported, UTC.</summary>
    public required DateTimeOffset Imported { get; init; }

    /// <summary>Bytes on disk.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Where its files are.</summary>
    [JsonIgnore]
    public string Root { get; init; } = "";
}

/// <summary>An image cannot be imported, or a file in it cannot be found.</summary>
public sealed class ImageException(string message) : Exception(message);

/// <summary>
/// Disk and boot images by name, as a registry would name them. An image is a directory tree in the layout of a container disk:
/// the disk under <c>disk/</c>, kernels wherever <c>kernelBoot</c> says.
/// </summary>
/// <param name="directory">Where images are kept.</param>
/// <param name="time">Tells when.</param>
public sealed class ImageStore(string directory, TimeProvider time)
{
    private const string DescriptionFile = "image.json";
    private const string FilesDirectory = "files";

    private static readonly byte[] _qcow2Magic = [(byte)'Q', (byte)'F', (byte)'I', 0xfb];

    /// <summary>Every image, by name.</summary>
    public IReadOnlyList<StoredImage> List()
    {
        if (!Directory.Exists(directory))
        {
            return [];
        }

        return [.. Directory.EnumerateDirectories(directory)
            .Select(Read)
            .OfType<StoredImage>()
            .Where(i => i.Root.StartsWith(PathOf(i.Name) + "/", StringComparison.Ordinal)) // not what an import that crashed left behind
            .OrderBy(i => i.Name, StringComparer.Ordinal)];
    }

    /// <summary>An image by name, where <c>:latest</c> may be left out; null when there is none.</summary>
    public StoredImage? Find(string name) => Read(PathOf(Normalize(name)));

    /// <summary>
    /// Imports a directory, a tar archive (also compressed), or a single disk file, under a name; an image that has the name is replaced.
    /// Machines that run from the replaced one keep its files until they end.
    /// </summary>
    /// <exception cref="ImageException">The source cannot be read, or is none of these.</exception>
    public StoredImage Import(string name, string source)
    {
        name = Normalize(name);
        Directory.CreateDirectory(directory);
        string target = PathOf(name);
        string temporary = $"{target}.{Environment.ProcessId}.new";
        try
        {
            string files = Path.Combine(temporary, FilesDirectory);
            Directory.CreateDirectory(files);
            CopySource(source, files);
            MakeReadable(temporary);
            StoredImage image = new() { Name = name, Imported = time.GetUtcNow(), SizeBytes = SizeOf(files) };
            File.WriteAllText(Path.Combine(temporary, DescriptionFile), JsonSerializer.Serialize(image, ImageJson.Default.StoredImage));
            Swap(temporary, target);
            return image with { Root = Path.Combine(target, FilesDirectory) };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ImageException($"cannot import {source}: {e.Message}");
        }
        finally
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }
        }
    }

    /// <summary>Removes an image; false when there is none of the name.</summary>
    public bool Remove(string name)
    {
        string target = PathOf(Normalize(name));
        if (!Directory.Exists(target))
        {
            return false;
        }

        Directory.Delete(target, recursive: true);
        return true;
    }

    /// <summary>The file of an image that a path in it names.</summary>
    /// <exception cref="ImageException">There is none.</exception>
    public static string FileOf(StoredImage image, string path)
    {
        string full = Path.GetFullPath(Path.Combine(image.Root, path.TrimStart('/')));
        return full.StartsWith(image.Root + "/", StringComparison.Ordinal) && File.Exists(full)
            ? full
            : throw new ImageException($"image {image.Name} has no file {path}");
    }

    /// <summary>The disk of an image: the file that a path names, or else the only file under <c>disk/</c>.</summary>
    /// <exception cref="ImageException">There is none, or more than one to choose from.</exception>
    public static string DiskOf(StoredImage image, string? path)
    {
        if (!string.IsNullOrEmpty(path))
        {
            return FileOf(image, path);
        }

        string disks = Path.Combine(image.Root, "disk");
        string[] files = Directory.Exists(disks) ? Directory.GetFiles(disks) : [];
        return files switch
        {
            [var only] => only,
            [] => throw new ImageException($"image {image.Name} has no disk: a file under disk/ was expected"),
            _ => throw new ImageException($"image {image.Name} has {files.Length} files under disk/: say which by containerDisk.path"),
        };
    }

    /// <summary><c>qcow2</c> when the file begins like one, else <c>raw</c>.</summary>
    public static string FormatOf(string file)
    {
        Span<byte> magic = stackalloc byte[4];
        using FileStream stream = File.OpenRead(file);
        return stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.SequenceEqual(_qcow2Magic)
            ? "qcow2"
            : "raw";
    }

    private static string Normalize(string name)
    {
        string trimmed = name.Trim();
        return trimmed.Length == 0 || trimmed.Any(c => char.IsWhiteSpace(c) || char.IsControl(c))
            ? throw new ImageException($"\"{name}\" is not an image name")
            : trimmed.LastIndexOf(':') > trimmed.LastIndexOf('/') || trimmed.Contains('@', StringComparison.Ordinal) ? trimmed : $"{trimmed}:latest";
    }

    private string PathOf(string name) => Path.Combine(directory, Uri.EscapeDataString(name));

    private static StoredImage? Read(string path)
    {
        string description = Path.Combine(path, DescriptionFile);
        return File.Exists(description) && JsonSerializer.Deserialize(File.ReadAllText(description), ImageJson.Default.StoredImage) is { } image
            ? image with { Root = Path.Combine(path, FilesDirectory) }
            : null;
    }

    private static void CopySource(string source, string files)
    {
        if (Directory.Exists(source))
        {
            CopyTree(source, files);
        }
        else if (!File.Exists(source))
        {
            throw new ImageException($"cannot import {source}: there is no such file or directory");
        }
        else if (source.EndsWith(".tar", StringComparison.Ordinal))
        {
            TarFile.ExtractToDirectory(source, files, overwriteFiles: true);
        }
        else if (source.EndsWith(".tar.gz", StringComparison.Ordinal) || source.EndsWith(".tgz", StringComparison.Ordinal))
        {
            using GZipStream unpacked = new(File.OpenRead(source), CompressionMode.Decompress);
            TarFile.ExtractToDirectory(unpacked, files, overwriteFiles: true);
        }
        else
        {
            Directory.CreateDirectory(Path.Combine(files, "disk"));
            File.Copy(source, Path.Combine(files, "disk", Path.GetFileName(source)));
        }
    }

    private static void CopyTree(string source, string target)
    {
        Directory.CreateDirectory(target);
        foreach (string child in Directory.EnumerateDirectories(source))
        {
            if (new DirectoryInfo(child).LinkTarget is { } elsewhere)
            {
                throw new ImageException($"cannot import {child}: it is a link to the directory {elsewhere}, and an image holds its own files only");
            }

            CopyTree(child, Path.Combine(target, Path.GetFileName(child)));
        }

        foreach (string file in Directory.EnumerateFiles(source))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }
    }

    /// <summary>Guests' processes are not root and read the images themselves; images hold no secrets.</summary>
    private static void MakeReadable(string root)
    {
        const UnixFileMode read = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        const UnixFileMode search = read | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        File.SetUnixFileMode(root, search);
        foreach (string entry in Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories))
        {
            File.SetUnixFileMode(entry, Directory.Exists(entry) ? search : read);
        }
    }

    private static long SizeOf(string root) =>
        Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);

    private static void Swap(string temporary, string target)
    {
        string old = $"{temporary}.old";
        if (Directory.Exists(target))
        {
            Directory.Move(target, old);
        }

        Directory.Move(temporary, target);
        if (Directory.Exists(old))
        {
            Directory.Delete(old, recursive: true);
        }
    }
}

/// <summary>JSON of image descriptions.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(StoredImage))]
internal sealed partial class ImageJson : JsonSerializerContext;
