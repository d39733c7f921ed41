namespace Musubi.Cni.Host.Commands;

/// <summary>A command's own arguments: switches, options with a value (<c>--x v</c> or <c>--x=v</c>), and the rest.</summary>
internal sealed class Flags
{
    private readonly Dictionary<string, string> _values = [];

    /// <summary>Arguments that are no options.</summary>
    public List<string> Rest { get; } = [];

    /// <summary>Reads arguments.</summary>
    /// <param name="arguments">What follows the command's name.</param>
    /// <param name="withValue">Options that have a value.</param>
    /// <param name="switches">Options that have none.</param>
    /// <exception cref="FormatException">An option is unknown or lacks its value.</exception>
    public static Flags Read(IReadOnlyList<string> arguments, string[] withValue, string[] switches)
    {
        Flags flags = new();
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            if (!argument.StartsWith('-') || argument == "-")
            {
                flags.Rest.Add(argument);
                continue;
            }

            int equals = argument.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? argument : argument[..equals];
            if (withValue.Contains(name))
            {
                flags._values[name] = equals >= 0 ? argument[(equals + 1)..]
                    : ++i < arguments.Count ? arguments[i]
                    : throw new FormatException($"{name} needs a value");
            }
            else if (switches.Contains(name) && equals < 0)
            {
                flags._values[name] = "";
            }
            else
            {
                throw new FormatException($"unknown option {argument}");
            }
        }

        return flags;
    }

    public bool Has(string name) => _values.ContainsKey(name);

    public string? this[string name] => _values.GetValueOrDefault(name);
}
