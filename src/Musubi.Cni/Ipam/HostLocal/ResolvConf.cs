using Musubi.Cni.Spec;
using Musubi.Linux.Files;

namespace Musubi.Cni.Ipam.HostLocal;

/// <summary>Reads resolv.conf(5).</summary>
internal static class ResolvConf
{
    /// <summary>Nameservers, search words and options add up over the file; the last domain counts.</summary>
    public static CniDns Read(string path)
    {
        List<string> nameservers = [];
        List<string> search = [];
        List<string> options = [];
        string? domain = null;
        foreach (string raw in ReadLines(path))
        {
            string line = raw.Trim();
            if (line.Length == 0 || line[0] is '#' or ';')
            {
                continue;
            }

            string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            switch (words[0])
            {
                case "nameserver" when words.Length > 1:
                    nameservers.Add(words[1]);
                    break;
                case "domain" when words.Length > 1:
                    domain = words[1];
                    break;
                case "search":
                    search.AddRange(words[1..]);
                    break;
                case "options":
                    options.AddRange(words[1..]);
                    break;
            }
        }

        return new CniDns { Nameservers = nameservers, Domain = domain, Search = search, Options = options };
    }

    private static string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CniException(CniErrorCode.IoFailure, $"ipam.resolvConf: {FileErrors.Describe(e)}");
        }
    }
}
