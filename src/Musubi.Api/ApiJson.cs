using System.Text.Json.Serialization;
using Musubi.Api.Cni;
using Musubi.Api.Core;
using Musubi.Api.KubeVirt;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api;

/// <summary>JSON contracts of all typed resources.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(KubeTimeConverter)])]
[JsonSerializable(typeof(Pod))]
[JsonSerializable(typeof(Node))]
[JsonSerializable(typeof(Namespace))]
[JsonSerializable(typeof(Service))]
[JsonSerializable(typeof(ConfigMap))]
[JsonSerializable(typeof(Secret))]
[JsonSerializable(typeof(CoreEvent))]
[JsonSerializable(typeof(Lease))]
[JsonSerializable(typeof(CustomResourceDefinition))]
[JsonSerializable(typeof(VirtualMachine))]
[JsonSerializable(typeof(VirtualMachineInstance))]
[JsonSerializable(typeof(NetworkAttachmentDefinition))]
[JsonSerializable(typeof(List<NetworkSelection>))]
[JsonSerializable(typeof(List<NetworkStatus>))]
public sealed partial class ApiJson : JsonSerializerContext;
