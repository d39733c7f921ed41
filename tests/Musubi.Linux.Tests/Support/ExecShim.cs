using System.Runtime.CompilerServices;
using Musubi.Linux.Processes;

namespace Musubi.Linux.Tests.Support;

/// <summary>Lets this test program carry out an <see cref="ExecPlan"/> when it is started for that, as the launcher does by its verb.</summary>
internal static class ExecShim
{
    private const string Variable = "MUSUBI_TEST_EXEC_PLAN";

    /// <summary>The environment variable that makes this program the shim.</summary>
    public static string Environment => Variable + "=1";

    public static string Path => System.Environment.ProcessPath!;

#pragma warning disable CA2255 // this must run before the test runner does
    [ModuleInitializer]
    internal static void Run()
#pragma warning restore CA2255
    {
        if (System.Environment.GetEnvironmentVariable(Variable) is null)
        {
            return;
        }

        try
        {
            if (!ExecPlan.TryParse(System.Environment.GetCommandLineArgs()[1..], out ExecPlan? plan, out string? error))
            {
                throw new InvalidOperationException(error);
            }

            plan.Execute();
        }
        catch (Exception e)
        {
            Console.Error.WriteLine(e.Message);
            System.Environment.Exit(126);
        }
    }
}
