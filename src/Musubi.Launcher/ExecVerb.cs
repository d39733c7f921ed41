using Musubi.Linux;
using Musubi.Linux.Processes;

namespace Musubi.Launcher;

/// <summary><c>musubi-launcher exec</c>: carries out an <see cref="ExecPlan"/>.</summary>
internal static class ExecVerb
{
    private const int CannotExecute = 126;

    /// <summary>Becomes the command; returns only when it cannot.</summary>
    public static int Run(IReadOnlyList<string> arguments)
    {
        if (!ExecPlan.TryParse(arguments, out ExecPlan? plan, out string? error))
        {
            Console.Error.WriteLine($"musubi-launcher exec: {error}");
            return Usage.BadInput;
        }

        try
        {
            plan.Execute();
            return 0;
        }
        catch (LinuxException e)
        {
            Console.Error.WriteLine($"musubi-launcher exec: {e.Message}");
            return CannotExecute;
        }
    }
}
