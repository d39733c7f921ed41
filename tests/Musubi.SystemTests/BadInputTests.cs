using System.Text.Json.Nodes;

namespace Musubi.SystemTests;

/// <summary>Manifests that are wrong get an answer that names field and remedy, and leave nothing behind.</summary>
public sealed class BadInputTests(BadInputTests.EmptyPlatform fixture) : IClassFixture<BadInputTests.EmptyPlatform>
{
    private readonly Platform _platform = fixture.Platform;

    public sealed class EmptyPlatform : IAsyncLifetime
    {
        internal Platform Platform { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Platform = await Platform.StartAsync("b");

        public ValueTask DisposeAsync() => Platform.DisposeAsync();
    }

    public static TheoryData<string, string, string> Refused => new()
    {
        { "unknown binding", """[{"name":"default","carrierPigeon":{}}]""", "interfaces[0]" },
        { "no binding", """[{"name":"default"}]""", "interfaces[0]" },
        { "bad MAC", """[{"name":"default","masquerade":{},"macAddress":"02:00:zz"}]""", "interfaces[0].macAddress" },
        { "port 70000", """[{"name":"default","masquerade":{},"ports":[{"port":70000}]}]""", "ports[0].port" },
        { "interface without network", """[{"name":"default","masquerade":{}},{"name":"lost","bridge":{}}]""", "interfaces[1].name" },
        { "duplicate names", """[{"name":"default","masquerade":{}},{"name":"default","bridge":{}}]""", "interfaces[1].name" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Apply_BadInterfaces_IsRefusedWithTheField(string what, string interfaces, string field)
    {
        CommandResult result = await ApplyAsync(Machine("bad", interfaces, """[{"name":"default","pod":{}}]"""));

        Assert.True(result.ExitCode != 0, what);
        Assert.Contains(field, result.Errors, StringComparison.Ordinal);
        Assert.NotEqual(0, (await _platform.TryKubectlAsync(["get", "vm", "bad"])).ExitCode);
    }

    [Fact]
    public async Task Apply_TwoPodNetworks_IsRefused()
    {
        CommandResult result = await ApplyAsync(Machine(
            "bad", """[{"name":"a","masquerade":{}},{"name":"b","masquerade":{}}]""", """[{"name":"a","pod":{}},{"name":"b","pod":{}}]"""));

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("pod network", result.Errors, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Apply_BadCidr_IsRefusedWithTheField()
    {
        CommandResult result = await ApplyAsync(Machine("bad", """[{"name":"default","masquerade":{}}]""", """[{"name":"default","pod":{"vmNetworkCIDR":"10.0.2.0/33"}}]"""));

        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("vmNetworkCIDR", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_MissingNetworkDefinition_SaysSoAndGoesOnWhenItAppears()
    {
        await ApplyAsync(Machine("no-nad", """[{"name":"default","masquerade":{}},{"name":"l2","bridge":{}}]""", """[{"name":"default","pod":{}},{"name":"l2","multus":{"networkName":"not-there"}}]"""));
        try
        {
            await EventuallyEventAsync("no-nad", "not-there");
            Assert.Empty(await _platform.KubectlAsync("get", "pods", "-l", "vmi.kubevirt.io/id=no-nad", "-o", "name"));

            await _platform.TryKubectlAsync(["apply", "-f", "-"], """
                {"apiVersion":"k8s.cni.cncf.io/v1","kind":"NetworkAttachmentDefinition","metadata":{"name":"not-there"},
                 "spec":{"config":"{\"cniVersion\":\"0.3.1\",\"type\":\"cnv-bridge\",\"bridge\":\"br-late\"}"}}
                """);
            await Shell.EventuallyAsync(
                () => _platform.KubectlAsync("get", "pods", "-l", "vmi.kubevirt.io/id=no-nad", "-o", "name"), p => p.Length > 0, TimeSpan.FromSeconds(30), "the pod appears");
        }
        finally
        {
            await _platform.KubectlAsync("delete", "vm", "no-nad", "--wait");
        }
    }

    [Fact]
    public async Task Start_UnknownImage_SaysHowToImportIt()
    {
        await ApplyAsync(Machine("no-image", """[{"name":"default","masquerade":{}}]""", """[{"name":"default","pod":{}}]""", image: "nobody/nothing:1"));
        try
        {
            await EventuallyEventAsync("no-image", "musubi image import nobody/nothing:1");
            Assert.Empty(Directory.Exists(_platform.PodsDirectory) ? Directory.GetDirectories(_platform.PodsDirectory) : []);
        }
        finally
        {
            await _platform.KubectlAsync("delete", "vm", "no-image", "--wait");
        }
    }

    [Fact]
    public async Task Start_MemoryThatDoesNotFit_IsUnschedulable()
    {
        await ApplyAsync(Machine("too-big", """[{"name":"default","masquerade":{}}]""", """[{"name":"default","pod":{}}]""", memory: "4Ti"));
        try
        {
            await Shell.EventuallyAsync(
                () => _platform.KubectlAsync("get", "vm", "too-big", "-o", "jsonpath={.status.printableStatus}"), s => s == "ErrorUnschedulable", TimeSpan.FromSeconds(30), "the status says so");
            Assert.Contains("Insufficient memory", await _platform.KubectlAsync("get", "events"), StringComparison.Ordinal);
        }
        finally
        {
            await _platform.KubectlAsync("delete", "vm", "too-big", "--wait");
        }
    }

    private Task EventuallyEventAsync(string machine, string text) => Shell.EventuallyAsync(
        () => _platform.KubectlAsync("get", "events", "--field-selector", $"involvedObject.name={machine}", "-o", "jsonpath={.items[*].message}"),
        messages => messages.Contains(text, StringComparison.Ordinal),
        TimeSpan.FromSeconds(30),
        $"an event of {machine} names {text}");

    private Task<CommandResult> ApplyAsync(JsonObject manifest) => _platform.TryKubectlAsync(["apply", "-f", "-"], manifest.ToJsonString());

    private static JsonObject Machine(string name, string interfaces, string networks, string memory = "128Mi", string image = "musubi/guest:latest") => new()
    {
        ["apiVersion"] = "kubevirt.io/v1",
        ["kind"] = "VirtualMachine",
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject
        {
            ["runStrategy"] = "Always",
            ["template"] = new JsonObject
            {
                ["spec"] = new JsonObject
                {
                    ["terminationGracePeriodSeconds"] = 0,
                    ["domain"] = new JsonObject
                    {
                        ["memory"] = new JsonObject { ["guest"] = memory },
                        ["devices"] = new JsonObject { ["interfaces"] = JsonNode.Parse(interfaces) },
                    },
                    ["networks"] = JsonNode.Parse(networks),
                    ["volumes"] = new JsonArray(new JsonObject { ["name"] = "root", ["containerDisk"] = new JsonObject { ["image"] = image } }),
                },
            },
        },
    };
}
