using Musubi.Machines;

namespace Musubi.Launcher.Control;

/// <summary>The machine's status: changed by whoever learns something, kept on disk, and told to whoever watches.</summary>
internal sealed class StatusBoard(MachineDirectory directory)
{
    private readonly Lock _gate = new();
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public MachineStatus Current { get; private set; } = new() { Pid = Environment.ProcessId };

    /// <summary>Changes the status; nothing happens when the change changes nothing.</summary>
    public void Update(Func<MachineStatus, MachineStatus> change)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            MachineStatus next = change(Current);
            if (SameAs(next, Current))
            {
                return;
            }

            Current = next;
            MachineJson.Save(directory.Status, next, MachineJson.Default.MachineStatus);
            changed = _changed;
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        changed.SetResult();
    }

    /// <summary>The status now, and a task that ends with the next change.</summary>
    public (MachineStatus Status, Task Changed) Observe()
    {
        lock (_gate)
        {
            return (Current, _changed.Task);
        }
    }

    /// <summary>Records compare their lists by reference; what counts is what is written.</summary>
    private static bool SameAs(MachineStatus a, MachineStatus b) =>
        a.Equals(b) || System.Text.Json.JsonSerializer.Serialize(a, MachineJson.Default.MachineStatus) == System.Text.Json.JsonSerializer.Serialize(b, MachineJson.Default.MachineStatus);
}
