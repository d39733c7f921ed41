using System.CommandLine;
using System.Text.Json;
using Musubi.Cli.Output;
using Musubi.Cli.Platform;
using Musubi.Node.Images;

namespace Musubi.Cli.Commands;

/// <summary>An image as <c>musubi image list</c> shows it.</summary>
internal sealed record ImageRow(string Name, long SizeBytes, DateTimeOffset Imported);

/// <summary><c>musubi image …</c>.</summary>
internal static class ImageCommands
{
    public static Command Create() => new("image", "Keep disk and boot images under the names that containerDisk and kernelBoot volumes use.")
    {
        Import(),
        List(),
        Remove(),
    };

    private static Command Import()
    {
        Argument<string> name = new("NAME") { Description = "The name manifests use, as musubi/guest:latest." };
        Argument<string> path = new("PATH") { Description = "A disk file (raw or qcow2), a directory, or a tar archive with disk/ and what kernelBoot names." };
        Command command = new("import", "Import an image; one that has the name is replaced.") { name, path };
        command.SetAction(async (parsed, _) =>
        {
            StoredImage image = await ProgressDisplay.RunAsync(
                $"importing {parsed.GetValue(name)}", _ => Task.Run(() => StoreOf(parsed).Import(parsed.GetValue(name)!, parsed.GetValue(path)!)));
            Console.Out.WriteLine($"image {image.Name} imported ({Size(image.SizeBytes)})");
            return 0;
        });
        return command;
    }

    private static Command List()
    {
        Option<string> output = CommandParts.Output();
        Command command = new("list", "List images.") { output };
        command.Aliases.Add("ls");
        command.SetAction(parsed =>
        {
            IReadOnlyList<ImageRow> images = [.. StoreOf(parsed).List().Select(i => new ImageRow(i.Name, i.SizeBytes, i.Imported))];
            if (parsed.GetValue(output) == "json")
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(images, PlatformJson.Default.IReadOnlyListImageRow));
            }
            else
            {
                Tables.Write(["NAME", "SIZE", "IMPORTED"], images.Select(i => (IReadOnlyList<string>)[i.Name, Size(i.SizeBytes), $"{i.Imported:yyyy-MM-dd HH:mm:ss}Z"]));
            }

            return 0;
        });
        return command;
    }

    private static Command Remove()
    {
        Argument<string> name = new("NAME") { Description = "The image." };
        Command command = new("remove", "Remove an image. Machines that run from it are not disturbed.") { name };
        command.Aliases.Add("rm");
        command.SetAction(parsed =>
        {
            if (!StoreOf(parsed).Remove(parsed.GetValue(name)!))
            {
                throw new UserException($"there is no image {parsed.GetValue(name)}");
            }

            Console.Out.WriteLine($"image {parsed.GetValue(name)} removed");
            return 0;
        });
        return command;
    }

    private static ImageStore StoreOf(ParseResult parsed) =>
        new(new PlatformSettings { StateDirectory = Path.GetFullPath(parsed.GetValue(CommandParts.StateDirectory)!) }.ImagesDirectory, TimeProvider.System);

    private static string Size(long bytes) => bytes < 1 << 20 ? $"{bytes / 1024.0:0.0} KiB" : $"{bytes / 1048576.0:0.0} MiB";
}
