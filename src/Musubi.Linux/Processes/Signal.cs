namespace Musubi.Linux.Processes;

/// <summary>Signals; signal(7). The numbers are those shared by x86-64 and arm64.</summary>
public enum Signal
{
    /// <summary>None: only looks whether the process is there.</summary>
    None = 0,

    /// <summary>The terminal was closed; many daemons read their configuration again.</summary>
    Hup = 1,

    /// <summary>Interrupted from the keyboard.</summary>
    Int = 2,

    /// <summary>Quit, with a core dump.</summary>
    Quit = 3,

    /// <summary>Ends it at once; cannot be caught.</summary>
    Kill = 9,

    /// <summary>For the program's own use.</summary>
    Usr1 = 10,

    /// <summary>For the program's own use.</summary>
    Usr2 = 12,

    /// <summary>Asks it to end.</summary>
    Term = 15,

    /// <summary>Goes on after <see cref="Stop"/>.</summary>
    Cont = 18,

    /// <summary>Stops it; cannot be caught.</summary>
    Stop = 19,
}
