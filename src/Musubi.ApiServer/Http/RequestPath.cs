namespace Musubi.ApiServer.Http;

/// <summary>A URL path of the resource space, taken apart: which group and version, which namespace, which object, which part of it.</summary>
internal sealed record RequestPath(string Group, string Version, string? Namespace, string Resource, string? Name, string? Subresource, bool TooLong)
{
    /// <summary>Reads a path below <c>/api/v1</c> or <c>/apis/GROUP/VERSION</c>; null when it names no resource.</summary>
    public static RequestPath? Parse(ReadOnlySpan<string> segments)
    {
        string group;
        string version;
        if (segments is ["api", var coreVersion, ..])
        {
            (group, version) = ("", coreVersion);
            segments = segments[2..];
        }
        else if (segments is ["apis", var namedGroup, var namedVersion, ..])
        {
            (group, version) = (namedGroup, namedVersion);
            segments = segments[3..];
        }
        else return null;

        string? ns = null;
        // The Namespace object itself, and its own subresources, are not "in" the namespace.
        if (segments.Length >= 3 && segments[0] == "namespaces" && !(segments.Length == 3 && segments[2] is "status" or "finalize" && group.Length == 0))
        {
            ns = segments[1];
            segments = segments[2..];
        }
        return segments.Length == 0 ? null : new RequestPath(group, version, ns, segments[0],
            segments.Length > 1 ? segments[1] : null, segments.Length > 2 ? segments[2] : null, segments.Length > 3);
    }

    /// <summary>The parts between slashes; a trailing slash counts for nothing.</summary>
    public static string[] Split(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);
}
