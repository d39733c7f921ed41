namespace Musubi.Cni.Tests.Support;

/// <summary>The native executable as <c>./test</c> builds it, for what can only be tested as a process.</summary>
internal static class MusubiCni
{
    public static string Executable
    {
        get
        {
            string home = Environment.GetEnvironmentVariable("MUSUBI_HOME") ?? Repository.File("artifacts", "musubi");
            string path = Path.Combine(home, "musubi-cni");
            return File.Exists(path) ? path : throw new FileNotFoundException($"{path} is missing: ./test builds it, or set MUSUBI_HOME to the directory of another");
        }
    }

    /// <summary>A link to it, by which it is the plugin of that name.</summary>
    public static string Link(string directory, string name)
    {
        string link = Path.Combine(directory, name);
        File.CreateSymbolicLink(link, Executable);
        return link;
    }
}
