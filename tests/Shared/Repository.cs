using System.Reflection;

namespace Musubi.Testing;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    // Written by the build: source paths of a deterministic build do not lead back to the checkout.
    public static string Root { get; } = typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    public static string File(params string[] path) => Path.Combine([Root, .. path]);

    public static string Read(string path) => System.IO.File.ReadAllText(File(path));
}
