namespace Musubi.Cni.Ipam.Dhcp;

/// <summary>How a daemon is started: the flags of the reference daemon, with one dash or two.</summary>
internal sealed record DaemonOptions
{
    /// <summary>Where plugins expect the daemon unless their configuration says otherwise.</summary>
    public const string DefaultSocket = "/run/cni/dhcp.sock";

    /// <summary>The flags, for people.</summary>
    public const string Help = """
          -socketpath PATH      where to listen (default /run/cni/dhcp.sock)
          -pidfile PATH         write the process number there; an absolute path
          -hostprefix PATH      the host's root as this process sees it; put before the socket's path and those of namespaces
          -broadcast            ask servers to answer by broadcast (done anyway where an interface needs it: ipvlan)
          -timeout DURATION     how long a server may take to confirm what it offered (default 10s)
          -resendmax DURATION   longest pause between two questions (default 1m2s)
          -resendtimeout DURATION
                                how long an address is tried for before ADD fails (default 3m28s)
        """;

    public string PidFile { get; init; } = "";

    public string HostPrefix { get; init; } = "";

    public string SocketPath { get; init; } = DefaultSocket;

    public bool Broadcast { get; init; }

    public DhcpTiming Timing { get; init; } = new();

    /// <summary>The socket as this process sees it.</summary>
    public string Socket => HostPrefix + SocketPath;

    /// <summary>Leases beside the socket: they end, as it does, with this start of the machine.</summary>
    public string StateDirectory => Path.ChangeExtension(Socket, ".leases");

    /// <summary>Reads the flags.</summary>
    /// <exception cref="FormatException">A flag is unknown or its value malformed; the message says which.</exception>
    public static DaemonOptions Parse(IReadOnlyList<string> arguments)
    {
        DaemonOptions options = new();
        for (int i = 0; i < arguments.Count; i++)
        {
            string argument = arguments[i];
            int dashes = argument.StartsWith("--", StringComparison.Ordinal) ? 2 : argument.StartsWith('-') ? 1 : 0;
            int equals = argument.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? argument[dashes..] : argument[dashes..equals];
            string? given = equals < 0 ? null : argument[(equals + 1)..];
            if (dashes == 0 || name.Length == 0)
            {
                throw new FormatException($"unexpected argument \"{argument}\"");
            }

            options = name switch
            {
                "pidfile" => options with { PidFile = Absolute(name, Value()) },
                "hostprefix" => options with { HostPrefix = Value().TrimEnd('/') },
                "socketpath" => options with { SocketPath = Absolute(name, Value()) },
                "broadcast" => options with { Broadcast = Switch(given) },
                "timeout" => options with { Timing = options.Timing with { Answer = Duration(Value()) } },
                "resendmax" => options with { Timing = options.Timing with { LongestPause = Duration(Value()) } },
                "resendtimeout" => options with { Timing = options.Timing with { Limit = Duration(Value()) } },
                _ => throw new FormatException($"unknown flag {argument}"),
            };

            string Value() => given ?? (++i < arguments.Count ? arguments[i] : throw new FormatException($"flag -{name} needs a value"));

            TimeSpan Duration(string text) => GoDuration.TryParse(text, out TimeSpan duration) && duration > TimeSpan.Zero
                ? duration
                : throw new FormatException($"flag -{name}: \"{text}\" is not a length of time such as 10s or 1m30s");

            bool Switch(string? text) => text switch
            {
                null or "true" or "1" or "t" or "T" or "TRUE" or "True" => true,
                "false" or "0" or "f" or "F" or "FALSE" or "False" => false,
                _ => throw new FormatException($"flag -{name}: \"{text}\" is neither true nor false"),
            };
        }

        return options;
    }

    private static string Absolute(string name, string path) =>
        Path.IsPathRooted(path) ? path : throw new FormatException($"flag -{name}: \"{path}\" is not an absolute path");
}
