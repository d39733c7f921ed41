using Musubi.Cni.Spec;
using Musubi.Linux;

namespace Musubi.Cni.Execution;

/// <summary>Steps to take back, last first, when a later step fails. What cannot be taken back is told, and does not hide the failure.</summary>
internal sealed class Undo(TextWriter log)
{
    private readonly Stack<Action> _steps = new();

    public void Push(Action step) => _steps.Push(step);

    public void Run()
    {
        while (_steps.TryPop(out Action? step))
        {
            try
            {
                step();
            }
            catch (Exception e) when (e is CniException or LinuxException or IOException)
            {
                log.WriteLine($"could not undo a step: {e.Message}");
            }
        }
    }
}
