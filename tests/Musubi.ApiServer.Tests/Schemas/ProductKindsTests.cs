using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Api;
using Musubi.Api.Admission;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.Schemas;

/// <summary>The product's own definitions and admission, behind the real server.</summary>
public sealed class ProductKindsTests : IAsyncLifetime
{
    private const string Machines = "/apis/kubevirt.io/v1/namespaces/default/virtualmachines";
    private TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync(o => o with { Admissions = ObjectAdmissions.All });
        foreach (JsonObject definition in CustomResourceDefinitions.All)
        {
            (int code, JsonObject answer) = await _server.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions?fieldValidation=Strict", definition.ToJsonString());
            Assert.True(code == 201, answer.ToJsonString());
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task AMachine_IsStoredWithItsDefaults()
    {
        (int code, JsonObject vm) = await _server.PostAsync($"{Machines}?fieldValidation=Strict", Machine("""
            "domain":{"memory":{"guest":"128Mi"},"devices":{"interfaces":[{"name":"default","masquerade":{},"ports":[{"port":80}]},{"name":"l2","bridge":{}}]}},
            "networks":[{"name":"default","pod":{}},{"name":"l2","multus":{"networkName":"default/net"}}]
            """));
        Assert.True(code == 201, vm.ToJsonString());
        Assert.Equal("128Mi", (string?)vm["spec"]!["template"]!["spec"]!["domain"]!["memory"]!["guest"]);
    }

    [Theory]
    [InlineData("""{"domain":{"devices":{}},"running":false,"template":{"spec":{"domain":{"devices":{},"memory":{"guest":"64Mi"}}}}}""", "spec.template.spec.domain")]
    [InlineData("""{"running":true,"runStrategy":"Always","template":{"spec":{"domain":{"memory":{"guest":"64Mi"},"devices":{}}}}}""", "spec.running")]
    public async Task AMisplacedOrDoubledField_IsNamedWithTheRemedy(string spec, string expected)
    {
        (int code, JsonObject status) = await _server.PostAsync(Machines, $$$"""{"apiVersion":"kubevirt.io/v1","kind":"VirtualMachine","metadata":{"name":"m"},"spec":{{{spec}}}}""");
        Assert.Equal(422, code);
        Assert.Contains(expected, (string?)status["message"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"name":"default","masquerade":{},"ports":[{"port":70000}]}""", "ports[0].port")]
    [InlineData("""{"name":"default","masquerade":{},"macAddress":"nonsense"}""", "macAddress")]
    [InlineData("""{"name":"default"}""", "interfaces[0]")]
    [InlineData("""{"name":"other","masquerade":{}}""", "interfaces[0].name")]
    public async Task ABadInterface_NamesItsField(string networkInterface, string field)
    {
        (int code, JsonObject status) = await _server.PostAsync(Machines, Machine(
            "\"domain\":{\"memory\":{\"guest\":\"128Mi\"},\"devices\":{\"interfaces\":[" + networkInterface + "]}},\"networks\":[{\"name\":\"default\",\"pod\":{}}]"));
        Assert.Equal(422, code);
        Assert.Contains(status["details"]!["causes"]!.AsArray(), c => ((string?)c!["field"])?.Contains(field, StringComparison.Ordinal) == true);
    }

    [Fact]
    public void RandomContentUnderKnownFields_GetsAnAnswer()
    {
        string[] fields = ["interfaces", "disks"], specs = ["networks", "volumes", "nodeSelector", "hostname", "dnsConfig", "terminationGracePeriodSeconds"];
        Prop.ForAll(Trees.Objects.ToArbitrary(), Gen.Choose(0, 1_000_000).ToArbitrary(), (tree, choice) =>
        {
            JsonNode? Value(int n) => (choice / n % 4) switch
            {
                0 => new JsonArray(tree.DeepClone(), new JsonObject { ["name"] = "default", ["masquerade"] = tree["a"]?.DeepClone(), ["ports"] = tree["b"]?.DeepClone() }),
                1 => tree.DeepClone(),
                2 => tree["a"]?.DeepClone(),
                _ => new JsonArray(new JsonObject { ["name"] = "default", ["pod"] = new JsonObject { ["vmNetworkCIDR"] = tree["c"]?.DeepClone() }, ["bridge"] = new JsonObject(), ["macAddress"] = tree["d"]?.DeepClone() }),
            };
            var vm = new JsonObject
            {
                ["apiVersion"] = "kubevirt.io/v1",
                ["kind"] = "VirtualMachine",
                ["metadata"] = new JsonObject { ["generateName"] = "m-" },
                ["spec"] = new JsonObject
                {
                    ["runStrategy"] = "Halted",
                    ["template"] = new JsonObject
                    {
                        ["metadata"] = tree["b"]?.DeepClone(),
                        ["spec"] = new JsonObject
                        {
                            [specs[choice % specs.Length]] = Value(3),
                            ["networks"] = Value(5),
                            ["domain"] = new JsonObject { ["memory"] = tree["c"]?.DeepClone(), ["devices"] = new JsonObject { [fields[choice % 2]] = Value(7) } },
                        },
                    },
                },
            };
            using HttpResponseMessage response = _server.SendRawAsync(HttpMethod.Post, Machines, Encoding.UTF8.GetBytes(vm.ToJsonString())).GetAwaiter().GetResult();
            Assert.True((int)response.StatusCode < 500, vm.ToJsonString() + "\n" + response.Content.ReadAsStringAsync().GetAwaiter().GetResult());
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    private static string Machine(string spec) =>
        """{"apiVersion":"kubevirt.io/v1","kind":"VirtualMachine","metadata":{"name":"m"},"spec":{"runStrategy":"Halted","template":{"spec":{SPEC}}}}"""
            .Replace("SPEC", spec, StringComparison.Ordinal);
}
