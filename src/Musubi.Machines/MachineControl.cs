namespace Musubi.Machines;

/// <summary>A request on a launcher's control socket: one JSON object on a line.</summary>
public sealed record MachineRequest
{
    /// <summary>
    /// <c>status</c>: one <see cref="MachineStatus"/> line back. <c>watch</c>: a line now and at each change, until the connection ends.
    /// <c>shutdown</c>: ask the guest to power off, kill it after <see cref="GraceSeconds"/>. <c>kill</c>: end it now.
    /// </summary>
    public required string Command { get; set; }

    /// <summary><c>shutdown</c>: the limit; null takes the machine's own.</summary>
    public int? GraceSeconds { get; set; }
}

/// <summary>The files of a machine's directory, which agent and launcher agree on.</summary>
/// <param name="Root">The directory, mode 0700.</param>
public sealed record MachineDirectory(string Root)
{
    /// <summary>The <see cref="MachineSpec"/>, written by the agent.</summary>
    public string Spec => Path.Combine(Root, "machine.json");

    /// <summary>The last <see cref="MachineStatus"/>; stays behind when the launcher is gone.</summary>
    public string Status => Path.Combine(Root, "status.json");

    /// <summary>Unix socket that takes <see cref="MachineRequest"/> lines.</summary>
    public string ControlSocket => Path.Combine(Root, "control.sock");

    /// <summary>Unix socket of the serial console; a new connection takes over from the one before.</summary>
    public string SerialSocket => Path.Combine(Root, "serial.sock");

    /// <summary>What the serial console printed, the last part of it.</summary>
    public string SerialLog => Path.Combine(Root, "serial.log");

    /// <summary>The launcher's own log.</summary>
    public string Log => Path.Combine(Root, "launcher.log");
}
