using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Objects;
using Musubi.Machines;
using Musubi.Node.Pods;
using Musubi.Node.Tests.Support;

namespace Musubi.Node.Tests.Pods;

public sealed class StatusWriterTests
{
    private const string Networks = """{"networks":[{"name":"default","pod":{}},{"name":"blue","multus":{"networkName":"n"}}],"domain":{"devices":{"interfaces":[{"name":"default","masquerade":{}},{"name":"blue","bridge":{}}]}}}""";

    private static PodStatus Write(MachineStatus machine, Pod? pod = null) => PodStatusWriter.Write(pod ?? Sample.Pod(), Sample.Sandbox, machine, Sample.Options, Sample.Now);

    private static string? Ready(List<Condition>? conditions) => conditions!.Find(c => c.Type == "Ready")!.Status;

    [Theory]
    [InlineData(MachinePhase.Starting, "Running", "False")]
    [InlineData(MachinePhase.Running, "Running", "True")]
    [InlineData(MachinePhase.ShuttingDown, "Running", "False")]
    [InlineData(MachinePhase.Succeeded, "Succeeded", "False")]
    [InlineData(MachinePhase.Failed, "Failed", "False")]
    public void Pod_Phase_FollowsTheMachine(string machine, string phase, string ready)
    {
        PodStatus status = Write(new MachineStatus { Phase = machine });

        Assert.Equal((phase, ready), (status.Phase, Ready(status.Conditions)));
    }

    [Fact]
    public void Pod_Addresses_AreTheClusterNetworksIPv4First()
    {
        PodStatus status = Write(new MachineStatus { Phase = MachinePhase.Running });

        Assert.Equal(("172.31.0.2", "10.244.1.5"), (status.HostIP, status.PodIP));
        Assert.Equal(["10.244.1.5", "fd10::5"], status.PodIPs!.Select(i => i.Address));
        Assert.Equal(Sample.Now, status.StartTime);
        Assert.Equal("musubi://0123456789abcdef", Assert.Single(status.ContainerStatuses!).ContainerID);
    }

    [Fact]
    public void Pod_Terminating_IsNotReady() =>
        Assert.Equal("False", Ready(Write(new MachineStatus { Phase = MachinePhase.Running }, Sample.Pod(",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"")).Conditions));

    [Fact]
    public void Pod_WrittenAgainLater_IsTheSame()
    {
        MachineStatus machine = new() { Phase = MachinePhase.Running };
        Pod pod = Sample.Pod() with { Status = Write(machine) };

        PodStatus again = PodStatusWriter.Write(pod, Sample.Sandbox, machine, Sample.Options, Sample.Now.AddHours(1));

        Assert.Equal(pod.Status.StartTime, again.StartTime);
        Assert.Equal(pod.Status.ContainerStatuses![0].State, again.ContainerStatuses![0].State);
        Assert.Equal(pod.Status.Conditions!.Select(c => (c.Type, c.Status, c.LastTransitionTime)), again.Conditions!.Select(c => (c.Type, c.Status, c.LastTransitionTime)));
    }

    [Fact]
    public void Pod_Failed_SaysWhyAndHowItEnded()
    {
        PodStatus status = Write(new MachineStatus { Phase = MachinePhase.Failed, Reason = "QemuCrashed", Message = "signal 9" });

        Assert.Equal(("QemuCrashed", "signal 9"), (status.Reason, status.Message));
        ContainerStateTerminated ended = status.ContainerStatuses![0].State!.Terminated!;
        Assert.Equal((1, "Error", "signal 9", Sample.Now), (ended.ExitCode, ended.Reason, ended.Message, ended.FinishedAt));
    }

    [Fact]
    public void Pod_Waiting_SaysForWhat()
    {
        PodStatus status = PodStatusWriter.Waiting(Sample.Pod(), "ErrImagePull", "no image", Sample.Now);

        Assert.Equal("Pending", status.Phase);
        ContainerStatus container = Assert.Single(status.ContainerStatuses!);
        Assert.Equal(("compute", "ErrImagePull", "no image"), (container.Name, container.State!.Waiting!.Reason, container.State.Waiting.Message));
    }

    [Theory]
    [InlineData("Pending")]
    [InlineData("Scheduling")]
    [InlineData("Succeeded")]
    [InlineData("Failed")]
    public void Instance_NotHandedOver_IsLeftAlone(string phase) =>
        Assert.Null(InstanceStatusWriter.Write(Sample.Instance(Networks, $$"""{"phase":"{{phase}}"}"""), new MachineStatus { Phase = MachinePhase.Running }, Sample.Now));

    [Theory]
    [InlineData("Scheduled", MachinePhase.Starting, "Scheduled")]
    [InlineData("Scheduled", MachinePhase.Running, "Running")]
    [InlineData("Running", MachinePhase.ShuttingDown, "Running")]
    [InlineData("Running", MachinePhase.Succeeded, "Succeeded")]
    [InlineData("Running", MachinePhase.Failed, "Failed")]
    public void Instance_Phase_FollowsTheMachine(string before, string machine, string after)
    {
        VirtualMachineInstanceStatus status = InstanceStatusWriter.Write(Sample.Instance(Networks, $$"""{"phase":"{{before}}"}"""), new MachineStatus { Phase = machine }, Sample.Now)!;

        Assert.Equal(after, status.Phase);
        Assert.Equal(before == after ? 0 : 1, status.PhaseTransitionTimestamps?.Count ?? 0);
    }

    [Fact]
    public void Instance_Interfaces_SecondaryOnesAreMarked()
    {
        MachineStatus machine = new()
        {
            Phase = MachinePhase.Running,
            Interfaces =
            [
                new MachineInterfaceStatus { Name = "default", Mac = "m", IpAddresses = ["10.244.1.5", "fd10::5"], QueueCount = 1, LinkState = "up", PodInterfaceName = "eth0" },
                new MachineInterfaceStatus { Name = "blue", InfoSource = "domain, guest-agent" },
                new MachineInterfaceStatus { InterfaceName = "docker0", InfoSource = "guest-agent" },
            ],
        };

        List<InterfaceStatus> interfaces = InstanceStatusWriter.Write(Sample.Instance(Networks, """{"phase":"Running"}"""), machine, Sample.Now)!.Interfaces!;

        Assert.Equal(["domain", "domain, guest-agent, multus-status", "guest-agent"], interfaces.Select(i => i.InfoSource));
        Assert.Equal(("10.244.1.5", 2), (interfaces[0].IpAddress, interfaces[0].IpAddresses!.Count));
        Assert.Null(interfaces[1].IpAddress);
    }

    [Fact]
    public void Instance_AgentAndPause_AreConditionsThatComeAndGo()
    {
        MachineStatus machine = new() { Phase = MachinePhase.Running, AgentConnected = true, Paused = true, GuestOs = new GuestOs { Name = "Debian", Id = "debian" } };
        VirtualMachineInstance vmi = Sample.Instance(Networks, """{"phase":"Running"}""");

        VirtualMachineInstanceStatus first = InstanceStatusWriter.Write(vmi, machine, Sample.Now)!;
        Assert.Equal(["AgentConnected", "LiveMigratable", "Paused"], first.Conditions!.Select(c => c.Type).Order(StringComparer.Ordinal));
        Assert.Equal("debian", first.GuestOSInfo!.Value.GetProperty("id").GetString());

        vmi.Status = first;
        VirtualMachineInstanceStatus then = InstanceStatusWriter.Write(vmi, new MachineStatus { Phase = MachinePhase.Running }, Sample.Now)!;
        Assert.DoesNotContain(then.Conditions!, c => c.Type is "AgentConnected" or "Paused");
        Assert.NotNull(then.GuestOSInfo);
    }

    [Theory]
    [InlineData("masquerade", "True")]
    [InlineData("bridge", "False")]
    public void Instance_LiveMigratable_DependsOnThePodNetworksBinding(string binding, string value)
    {
        VirtualMachineInstance vmi = Sample.Instance($$$$"""{"networks":[{"name":"default","pod":{}}],"domain":{"devices":{"interfaces":[{"name":"default","{{{{binding}}}}":{}}]}}}""", """{"phase":"Running"}""");

        Condition condition = InstanceStatusWriter.Write(vmi, new MachineStatus { Phase = MachinePhase.Running }, Sample.Now)!.Conditions!.Find(c => c.Type == "LiveMigratable")!;

        Assert.Equal(value, condition.Status);
    }
}
