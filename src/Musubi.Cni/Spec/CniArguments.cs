namespace Musubi.Cni.Spec;

/// <summary>The <c>CNI_ARGS</c> variable: <c>KEY=VALUE</c> pairs separated by semicolons, with case-sensitive keys.</summary>
public sealed class CniArguments
{
    private readonly List<KeyValuePair<string, string>> _pairs = [];

    private CniArguments()
    {
    }

    /// <summary>Reads the variable; null and empty mean no arguments.</summary>
    /// <remarks>Keys that nobody asked about are tolerated with or without <c>IgnoreUnknown</c>: a main plugin's delegate sees the same
    /// variable, and one plugin's key is another's unknown.</remarks>
    /// <exception cref="CniException">Code 4: a pair without exactly one <c>=</c>.</exception>
    public static CniArguments Parse(string? text)
    {
        CniArguments arguments = new();
        if (string.IsNullOrEmpty(text))
        {
            return arguments;
        }

        foreach (string pair in text.Split(';'))
        {
            int equals = pair.IndexOf('=');
            if (equals <= 0 || pair.IndexOf('=', equals + 1) >= 0)
            {
                throw new CniException(CniErrorCode.InvalidEnvironment, $"ARGS: invalid pair \"{pair}\"");
            }

            arguments._pairs.Add(new(pair[..equals], pair[(equals + 1)..]));
        }

        return arguments;
    }

    /// <summary>The value of a key (the last one when repeated); null when absent or empty.</summary>
    public string? this[string key]
    {
        get
        {
            string? found = null;
            foreach ((string name, string value) in _pairs)
            {
                found = name == key ? value : found;
            }

            return string.IsNullOrEmpty(found) ? null : found;
        }
    }
}
