using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Api.Admission;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;

namespace Musubi.Api.Tests.Validation;

public class RandomTreeTests
{
    private static readonly string[] Words =
    [
        "spec", "template", "domain", "devices", "interfaces", "networks", "volumes", "disks", "name", "pod", "multus", "networkName", "masquerade", "bridge", "ports",
        "port", "protocol", "macAddress", "bootOrder", "metadata", "annotations", "running", "runStrategy", "memory", "guest", "resources", "requests", "limits",
        "cpu", "cores", "firmware", "kernelBoot", "container", "cloudInitNoCloud", "userData", "userDataBase64", "config", "dnsConfig", "nameservers", "searches",
        "hugepages", "pageSize", "readinessProbe", "httpGet", "vmNetworkCIDR", "dhcpOptions", "ntpServers", "privateOptions", "option", "emptyDisk", "capacity", "finalizers",
        "disk", "cdrom", "bus", "state", "nodeSelector", "dataVolumeTemplates", "dataVolume",
    ];

    [Fact]
    public void Admit_AnyTree_NeverThrows() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Trees().ToArbitrary(), Trees().ToArbitrary(), (tree, old) =>
        {
            foreach (IObjectAdmission admission in ObjectAdmissions.All)
            {
                Admit(admission, tree, old);
            }

            return true;
        }));

    /// <summary>A sound manifest with one value replaced by something else: closer to what people get wrong.</summary>
    [Fact]
    public void Admit_SoundManifestWithOneValueReplaced_NeverThrows()
    {
        JsonObject sound = YamlReader.ReadObject(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Scenarios", "vm-two-networks", "input.yaml")));
        IObjectAdmission admission = ObjectAdmissions.All.Single(a => a.Resource.Kind == "VirtualMachine");
        int count = Paths(sound).Count();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Gen.Choose(0, count - 1).ToArbitrary(), Values(2).ToArbitrary(), (at, value) =>
        {
            JsonObject changed = sound.DeepClone().AsObject();
            Action<JsonNode?> replace = Paths(changed).ElementAt(at);
            replace(value?.DeepClone());
            Admit(admission, changed, null);
            return true;
        }));
    }

    private static void Admit(IObjectAdmission admission, JsonObject tree, JsonObject? old)
    {
        JsonObject obj = tree.DeepClone().AsObject();
        admission.Default(obj, old);
        AdmissionVerdict verdict = admission.Validate(obj, old);
        Assert.All(verdict.Errors, e => Assert.NotEmpty(ApiStatus.Invalid(admission.Resource, "x", [e]).Message!));
    }

    private static IEnumerable<Action<JsonNode?>> Paths(JsonNode? node)
    {
        if (node is JsonObject obj)
        {
            foreach (string name in obj.Select(p => p.Key).ToList())
            {
                yield return v => obj[name] = v;
                foreach (Action<JsonNode?> inner in Paths(obj[name]))
                {
                    yield return inner;
                }
            }
        }
        else if (node is JsonArray list)
        {
            for (int i = 0; i < list.Count; i++)
            {
                int at = i;
                yield return v => list[at] = v;
                foreach (Action<JsonNode?> inner in Paths(list[i]))
                {
                    yield return inner;
                }
            }
        }
    }

    private static Gen<JsonObject> Trees() => ObjectOf(6);

    private static Gen<JsonObject> ObjectOf(int depth) =>
        from members in (from name in Gen.Elements(Words) from value in Values(depth - 1) select (name, value)).ListOf()
        select new JsonObject(members.DistinctBy(m => m.name).Select(m => KeyValuePair.Create(m.name, m.value?.DeepClone())));

    private static Gen<JsonNode?> Values(int depth)
    {
        Gen<JsonNode?> leaf = Gen.OneOf(
            Gen.Constant((JsonNode?)null),
            Gen.Elements(true, false).Select(b => (JsonNode?)JsonValue.Create(b)),
            Gen.Elements(0L, -1, 1, 70000, long.MaxValue, long.MinValue).Select(n => (JsonNode?)JsonValue.Create(n)),
            Gen.Elements("1e400", "0.5", "18446744073709551616", "-0").Select(n => (JsonNode?)JsonNode.Parse(n)),
            Gen.Elements("", "x", "10.0.2.0/24", "fd00::/8", "02:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "1Gi", "Always", "TCP", "{\"type\":[]}", "[", "a/b/c", "\u0000", "💥")
                .Select(s => (JsonNode?)JsonValue.Create(s)));
        return depth <= 0
            ? leaf
            : Gen.OneOf(leaf, ObjectOf(depth).Select(o => (JsonNode?)o), Gen.Resize(Values(depth - 1).ListOf(), 3).Select(l => (JsonNode?)new JsonArray([.. l.Select(v => v?.DeepClone())])));
    }
}
