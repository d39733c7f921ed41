using System.Text.Json.Nodes;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Tests.KubeVirt;

public class TypedObjectsTests
{
    [Fact]
    public void RoundTrip_UnknownFieldsEverywhere_AreKept()
    {
        JsonObject original = YamlReader.ReadObject(
            """
            apiVersion: kubevirt.io/v1
            kind: VirtualMachine
            metadata:
              name: vm
              managedFields: [{manager: x}]
            spec:
              runStrategy: Always
              updateVolumesStrategy: Migration
              template:
                metadata: {labels: {a: b}}
                spec:
                  domain:
                    clock: {utc: {}}
                    cpu: {cores: 2, numa: {guestMappingPassthrough: {}}}
                    devices:
                      tpm: {}
                      disks: [{name: d, disk: {bus: virtio, novel: 1}, tag: t}]
                      interfaces: [{name: default, masquerade: {}, novel: [1, 2]}]
                    memory: {guest: 1Gi}
                  networks: [{name: default, pod: {novel: true}}]
                  volumes: [{name: d, persistentVolumeClaim: {claimName: c}}]
            status: {volumeRequests: [{x: 1}]}
            """);
        Assert.True(JsonNode.DeepEquals(original, original.To<VirtualMachine>().ToJson()), original.To<VirtualMachine>().ToJson().ToJsonString());
    }

    [Fact]
    public void RoundTrip_Pod_KeepsProbesAndAffinity()
    {
        JsonObject original = YamlReader.ReadObject(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: p, creationTimestamp: "2026-01-01T00:00:00Z"}
            spec:
              affinity: {podAntiAffinity: {x: []}, nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: []}}
              containers:
              - {name: c, image: i, livenessProbe: {exec: {command: [a]}}, ports: [{containerPort: 80, protocol: TCP}], resources: {requests: {cpu: 100m}}}
            status: {phase: Running, podIPs: [{ip: 10.0.0.1}]}
            """);
        Assert.True(JsonNode.DeepEquals(original, original.To<Pod>().ToJson()), original.To<Pod>().ToJson().ToJsonString());
    }

    [Theory]
    [InlineData("default", "pod37a8eec1ce1")]
    [InlineData("bridge-net", "pod03b731d2111")]
    [InlineData("sriov-net", "pod5862143f341")]
    public void HashedName_Network_HasKnownValue(string network, string expected) => Assert.Equal(expected, PodInterfaces.HashedName(network));

    [Fact]
    public void Of_SecondaryNetworks_AreNumberedInOrderWithoutUnplugged()
    {
        VirtualMachineInstance vmi = YamlReader.ReadObject(
            """
            metadata: {name: vm, namespace: ns}
            spec:
              domain:
                devices:
                  interfaces: [{name: c, bridge: {}}, {name: default, masquerade: {}}, {name: b, bridge: {}, state: absent}, {name: a, bridge: {}}]
              networks: [{name: a, multus: {networkName: x/a}}, {name: default, pod: {}}, {name: b, multus: {networkName: b}}, {name: c, multus: {networkName: c}}]
            """).To<VirtualMachineInstance>();
        Assert.Equal(["a=net1", "default=eth0", "c=net2"], PodInterfaces.Of(vmi).Select(i => $"{i.Network.Name}={i.Name}"));
        Assert.Equal(new ObjectKey("x", "a"), PodInterfaces.DefinitionOf(new MultusNetwork { NetworkName = "x/a" }, "ns"));
        Assert.Equal(new ObjectKey("ns", "c"), PodInterfaces.DefinitionOf(new MultusNetwork { NetworkName = "c" }, "ns"));
    }
}
