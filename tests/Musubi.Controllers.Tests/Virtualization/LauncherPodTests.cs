using Musubi.Api.Cni;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Controllers.Virtualization;
using Musubi.Kubernetes.Objects;
using static Musubi.Controllers.Tests.Virtualization.Machines;

namespace Musubi.Controllers.Tests.Virtualization;

public class LauncherPodTests
{
    private const string TwoNetworks =
        """
        apiVersion: kubevirt.io/v1
        kind: VirtualMachineInstance
        metadata:
          name: vm-a
          namespace: default
          uid: 5d307ca9-b3ef-428c-8861-06e72d69f223
          labels: {app: web, kubevirt.io/nodeName: old}
          annotations: {note: x, kubectl.kubernetes.io/last-applied-configuration: z, sidecar.istio.io/inject: "true"}
        spec:
          terminationGracePeriodSeconds: 180
          nodeSelector: {zone: a}
          domain:
            cpu: {cores: 2}
            memory: {guest: 128Mi}
            devices:
              interfaces:
              - {name: default, masquerade: {}, ports: [{port: 80}]}
              - {name: bridge-net, bridge: {}, macAddress: "02:00:00:00:00:07"}
          networks:
          - {name: default, pod: {}}
          - {name: bridge-net, multus: {networkName: other/data}}
        """;

    private static readonly Dictionary<ObjectKey, NetworkAttachmentDefinition> Definitions = new()
    {
        [new("other", "data")] = new() { Metadata = new() { Annotations = new() { [NetworkSelection.ResourceNameAnnotation] = "bridge.network.kubevirt.io/br1" } } },
    };

    [Fact]
    public void Build_TwoNetworks_AsksForTheSecondAsNet1()
    {
        Pod pod = Build(TwoNetworks);
        Assert.Equal(
            """[{"name":"data","namespace":"other","interface":"net1","mac":"02:00:00:00:00:07"}]""",
            pod.Metadata.Annotation(NetworkSelection.Annotation));
        Assert.Null(pod.Metadata.Annotation(NetworkSelection.DefaultNetworkAnnotation));
        Assert.Equal("k6t-eth0", pod.Metadata.Annotation("traffic.sidecar.istio.io/kubevirtInterfaces"));
    }

    [Fact]
    public void Build_HashedNamesAskedFor_NamesInterfaceByNetwork()
    {
        Pod pod = Build(TwoNetworks.Replace("note: x", "musubi.io/pod-interface-names: hashed", StringComparison.Ordinal));
        Assert.Contains("pod03b731d2111", pod.Metadata.Annotation(NetworkSelection.Annotation), StringComparison.Ordinal);
    }

    [Fact]
    public void Build_LabelsAndAnnotations_AreTheInstancesAndOurs()
    {
        Pod pod = Build(TwoNetworks);
        Assert.Equal("web", pod.Metadata.Label("app"));
        Assert.Equal("virt-launcher", pod.Metadata.Label("kubevirt.io"));
        Assert.Equal("5d307ca9-b3ef-428c-8861-06e72d69f223", pod.Metadata.Label("kubevirt.io/created-by"));
        Assert.Equal("vm-a", pod.Metadata.Label("vmi.kubevirt.io/id"));
        Assert.Equal("true", pod.Metadata.Label("sidecar.istio.io/inject"));
        Assert.Null(pod.Metadata.Label("kubevirt.io/nodeName"));
        Assert.Equal(("x", "vm-a", null), (pod.Metadata.Annotation("note"), pod.Metadata.Annotation("kubevirt.io/domain"), pod.Metadata.Annotation("kubectl.kubernetes.io/last-applied-configuration")));
        Assert.Equal("VirtualMachineInstance", pod.Metadata.Controller!.Kind);
    }

    [Fact]
    public void Build_Resources_AreGuestPlusOverheadAndNodeResource()
    {
        ResourceRequirements resources = Assert.Single(Build(TwoNetworks).Spec!.Containers!).Resources!;
        Assert.Equal((128 + 160 + 16) * 1024L * 1024 + (128L * 1024 * 1024 / 512), resources.Requests!["memory"].ToBytes());
        Assert.Equal("200m", resources.Requests["cpu"].ToString());
        Assert.Equal("1", resources.Requests["bridge.network.kubevirt.io/br1"].ToString());
        Assert.Equal("1", resources.Limits!["bridge.network.kubevirt.io/br1"].ToString());
        Assert.False(resources.Limits.ContainsKey("memory"));
    }

    [Fact]
    public void Build_Spec_IsALaunchersPod()
    {
        Pod pod = Build(TwoNetworks);
        Assert.Equal(("musubi", "Never", 210L), (pod.Spec!.RuntimeClassName, pod.Spec.RestartPolicy, pod.Spec.TerminationGracePeriodSeconds));
        Assert.Equal(("compute", 80, "TCP"), (pod.Spec.Containers![0].Name, pod.Spec.Containers[0].Ports![0].Number, pod.Spec.Containers[0].Ports![0].Protocol));
        Assert.Equal("a", pod.Spec.NodeSelector!["zone"]);
        Assert.StartsWith("virt-launcher-vm-a-", pod.Metadata.Name, StringComparison.Ordinal);
        Assert.Equal(pod.Metadata.Name, Build(TwoNetworks).Metadata.Name);
    }

    [Fact]
    public void Build_MultusDefault_ReplacesTheClusterNetwork()
    {
        Pod pod = Build(
            """
            metadata: {name: vm, namespace: ns, uid: u}
            spec:
              domain: {memory: {guest: 64Mi}, devices: {interfaces: [{name: a, bridge: {}}]}}
              networks: [{name: a, multus: {networkName: data, default: true}}]
            """);
        Assert.Equal("""[{"name":"data","namespace":"ns"}]""", pod.Metadata.Annotation(NetworkSelection.DefaultNetworkAnnotation));
        Assert.Null(pod.Metadata.Annotation(NetworkSelection.Annotation));
    }

    [Fact]
    public void Build_LongName_IsShortenedWhereLabelsNeedIt()
    {
        string name = new('x', 80);
        Pod pod = Build($"metadata: {{name: {name}, namespace: ns, uid: u}}\nspec: {{domain: {{memory: {{guest: 64Mi}}}}}}");
        Assert.Equal(63, pod.Metadata.Label("vmi.kubevirt.io/id")!.Length);
        Assert.Equal(63, pod.Spec!.Hostname!.Length);
    }

    private static Pod Build(string vmi) => LauncherPod.Build(Read<VirtualMachineInstance>(vmi), Definitions, new ControllerOptions());
}
