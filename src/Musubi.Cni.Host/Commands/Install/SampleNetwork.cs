namespace Musubi.Cni.Host.Commands.Install;

/// <summary>A first network for a host that has none.</summary>
internal static class SampleNetwork
{
    private const string FileName = "10-musubi.conflist";
    private static readonly string[] _suffixes = [".conf", ".conflist", ".json"];

    /// <summary>Writes it, unless the directory has a network; answers what was done.</summary>
    public static string Write(string directory)
    {
        Directory.CreateDirectory(directory);
        if (Directory.EnumerateFiles(directory).FirstOrDefault(f => _suffixes.Contains(Path.GetExtension(f))) is { } existing)
        {
            return $"{existing}: there is a network already, none is written";
        }

        string path = Path.Combine(directory, FileName);
        File.WriteAllText(path + ".new", Text);
        File.Move(path + ".new", path);
        return $"{path}: written";
    }

    private const string Text = """
        {
          "cniVersion": "1.0.0",
          "name": "musubi",
          "plugins": [
            {
              "type": "bridge",
              "bridge": "cni0",
              "isGateway": true,
              "ipMasq": true,
              "hairpinMode": true,
              "ipam": {
                "type": "host-local",
                "ranges": [ [ { "subnet": "10.88.0.0/16" } ] ],
                "routes": [ { "dst": "0.0.0.0/0" } ]
              }
            }
          ]
        }

        """;
}
