using System.Buffers;

namespace Musubi.ApiServer.Kinds;

/// <summary>The rules for names (RFC 1123 and 1035, as the API states them).</summary>
internal static class NameSyntax
{
    private static readonly SearchValues<char> s_label = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-");

    public static string? SubdomainError(string name)
    {
        if (name.Length > 253) return "must be no more than 253 characters";
        foreach (Range part in name.AsSpan().Split('.'))
        {
            if (IsLabel(name.AsSpan()[part], 253)) continue;
            return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an "
                + "alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        }
        return null;
    }

    public static string? LabelError(string name) => IsLabel(name, 63) ? null
        : "a lowercase RFC 1123 label must consist of at most 63 lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
            + "character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

    public static string? ServiceNameError(string name) => IsLabel(name, 63) && name[0] is >= 'a' and <= 'z' ? null
        : "a DNS-1035 label must consist of at most 63 lower case alphanumeric characters or '-', start with an alphabetic character, and end with an "
            + "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

    public static string? PathSegmentError(string name) => name switch
    {
        "" => "name is required",
        "." or ".." => "may not be '.' or '..'",
        _ when name.AsSpan().ContainsAny('/', '%') => "may not contain '/' or '%'",
        _ => null,
    };

    private static bool IsLabel(ReadOnlySpan<char> text, int max) =>
        text.Length > 0 && text.Length <= max && text[0] != '-' && text[^1] != '-' && !text.ContainsAnyExcept(s_label);
}
