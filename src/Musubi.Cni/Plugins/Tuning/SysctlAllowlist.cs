using Musubi.Cni.Execution;
using Musubi.Cni.Spec;

namespace Musubi.Cni.Plugins.Tuning;

/// <summary>An administrator's list of the kernel parameters that configurations may set: a regular expression per line, which need not match the whole key.</summary>
internal static class SysctlAllowlist
{
    /// <summary>Refuses what is not on the list; without a list everything may be set.</summary>
    /// <exception cref="CniException">Code 7: a parameter is not allowed, or a line is no regular expression.</exception>
    public static void Require(PluginCall call, IReadOnlyList<TuningSysctl> sysctls)
    {
        string path = Path.Combine(call.Environment.PolicyDirectory, "tuning", "allowlist.conf");
        if (sysctls.Count == 0 || !File.Exists(path))
        {
            return;
        }

        string[] allowed = [.. File.ReadAllLines(path).Select(l => l.Trim()).Where(l => l.Length > 0)];
        SysctlPattern[] patterns = [.. allowed.Select(line => Parse(path, line))];
        foreach (TuningSysctl sysctl in sysctls)
        {
            if (!patterns.Any(p => p.IsMatch(sysctl.Key)))
            {
                throw CniException.InvalidConfig($"Sysctl {sysctl.Key} is not allowed. Only the following sysctls are allowed: [{string.Join(' ', allowed)}]");
            }
        }
    }

    private static SysctlPattern Parse(string path, string line)
    {
        try
        {
            return SysctlPattern.Parse(line);
        }
        catch (FormatException e)
        {
            throw CniException.InvalidConfig($"{path}: \"{line}\" is not a usable regular expression: {e.Message}");
        }
    }
}
