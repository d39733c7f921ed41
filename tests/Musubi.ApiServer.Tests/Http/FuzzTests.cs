using System.Text;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.Http;

/// <summary>Whatever comes in, the answer is an answer: a code below 500, and the server goes on.</summary>
public sealed class FuzzTests : IAsyncLifetime
{
    private static readonly string[] s_collections =
    [
        "/api/v1/namespaces/default/configmaps", "/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/services", "/api/v1/namespaces/default/secrets",
        "/api/v1/namespaces", "/api/v1/nodes", "/api/v1/namespaces/default/events", "/apis/events.k8s.io/v1/namespaces/default/events",
        "/apis/coordination.k8s.io/v1/namespaces/default/leases", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/apis/example.com/v1/namespaces/default/gadgets", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    ];

    private static readonly string[] s_types =
    [
        "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/json-patch+json", "application/merge-patch+json",
        "application/strategic-merge-patch+json", "application/apply-patch+yaml", "text/plain",
    ];

    private TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        (int code, _) = await _server.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Definitions.Gadget);
        Assert.Equal(201, code);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public void RandomBytes_AnywhereInAnyForm_GetAnAnswer() => Prop.ForAll<byte[], uint, uint>((body, where, how) =>
    {
        string path = s_collections[where % s_collections.Length];
        HttpMethod method = (how % 4) switch { 0 => HttpMethod.Post, 1 => HttpMethod.Put, 2 => HttpMethod.Patch, _ => HttpMethod.Delete };
        if (method != HttpMethod.Post) path += "/x";
        Send(method, path, body, s_types[how / 4 % s_types.Length]);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void ProtobufWithRandomContent_GetsAnAnswer() => Prop.ForAll<byte[], uint>((content, kind) =>
    {
        (string version, string name) = s_kinds[kind % s_kinds.Length];
        Send(HttpMethod.Post, s_collections[kind % s_collections.Length], Protobuf.Envelope(version, name, content), "application/vnd.kubernetes.protobuf");
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void RandomTreesAsObjects_GetAnAnswer() => Prop.ForAll(Trees.Objects.ToArbitrary(), Gen.Choose(0, 1_000_000).ToArbitrary(), (tree, choice) =>
    {
        var obj = (JsonObject)tree.DeepClone();
        foreach (string key in (string[])["spec", "data", "status", "type", "involvedObject"]) if ((choice /= 3) % 3 == 1) obj[key] = tree.DeepClone();
        if (choice % 2 == 0) obj["metadata"] = new JsonObject { ["name"] = "x" + choice, ["labels"] = tree["a"]?.DeepClone() };
        string path = s_collections[choice % s_collections.Length];
        Send(HttpMethod.Post, path, Encoding.UTF8.GetBytes(obj.ToJsonString()), "application/json");
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public async Task RandomSpecs_UnderKnownFields_GetAnAnswer()
    {
        (int code, _) = await _server.PostAsync("/api/v1/namespaces/default/pods", """{"metadata":{"name":"base"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        Assert.Equal(201, code);
        (code, _) = await _server.PostAsync("/apis/example.com/v1/namespaces/default/gadgets", """{"apiVersion":"example.com/v1","kind":"Gadget","metadata":{"name":"base"},"spec":{"size":1}}""");
        Assert.Equal(201, code);
        string[] fields = ["containers", "volumes", "nodeSelector", "tolerations", "ports", "selector", "size", "items", "ipFamilies", "clusterIPs", "versions", "names", "finalizers"];
        Prop.ForAll(Trees.Objects.ToArbitrary(), Gen.Choose(0, 1_000_000).ToArbitrary(), (tree, choice) =>
        {
            JsonNode? value = choice % 3 == 0 ? new JsonArray(tree.DeepClone(), tree["b"]?.DeepClone()) : tree.Count > 0 && choice % 3 == 1 ? tree.First().Value?.DeepClone() : tree.DeepClone();
            string body = new JsonObject { ["spec"] = new JsonObject { [fields[choice % fields.Length]] = value }, ["metadata"] = new JsonObject { ["labels"] = tree["c"]?.DeepClone() } }.ToJsonString();
            string patchType = s_types[3 + choice % 3];
            Send(HttpMethod.Patch, choice % 2 == 0 ? "/api/v1/namespaces/default/pods/base" : "/apis/example.com/v1/namespaces/default/gadgets/base", Encoding.UTF8.GetBytes(body), patchType);
            var obj = (JsonObject)JsonNode.Parse(body)!;
            obj["metadata"]!["generateName"] = "g-";
            Send(HttpMethod.Post, s_collections[choice % s_collections.Length], Encoding.UTF8.GetBytes(obj.ToJsonString()), "application/json");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    [Fact]
    public void RandomPathsAndQueries_GetAnAnswer() => Prop.ForAll(Gen.Choose(0, 1_000_000_000).ToArbitrary(), ArbMap.Default.GeneratorFor<string>().Where(s => s is not null).ToArbitrary(), (choice, text) =>
    {
        string[] parts = ["api", "apis", "v1", "namespaces", "default", "pods", "status", "configmaps", "watch", "..", "%2e", "*", "apps", "example.com", Uri.EscapeDataString(text)];
        var path = new StringBuilder();
        for (int n = choice; n > 0; n /= 15) path.Append('/').Append(parts[n % 15]);
        string[] parameters = ["watch", "resourceVersion", "limit", "continue", "labelSelector", "fieldSelector", "timeoutSeconds", "dryRun", "fieldValidation", "pretty", "resourceVersionMatch"];
        path.Append("?timeoutSeconds=1&").Append(parameters[choice % parameters.Length]).Append('=').Append(Uri.EscapeDataString(text));
        if (!path.ToString().Contains("watch", StringComparison.Ordinal)) Send(HttpMethod.Get, path.ToString(), [], "application/json");
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public async Task DeepNesting_IsABadRequest()
    {
        string deep = string.Concat(Enumerable.Repeat("{\"a\":", 100_000)) + "1" + new string('}', 100_000);
        foreach (string path in s_collections) Assert.Equal(400, (await _server.PostAsync(path, deep)).Code);
        string yaml = string.Concat(Enumerable.Repeat("[", 100_000));
        Assert.Equal(400, (await _server.SendAsync(HttpMethod.Post, s_collections[0], yaml, "application/yaml")).Code);
    }

    [Fact]
    public async Task CopyingInAPatch_CannotNestWithoutEnd()
    {
        await _server.PostAsync(s_collections[0], """{"metadata":{"name":"x"},"data":{"a":"b"}}""");
        string patch = "[" + string.Join(',', Enumerable.Range(0, 400).Select(_ => """{"op":"move","from":"/data","path":"/tmp"},{"op":"add","path":"/data","value":{}},{"op":"move","from":"/tmp","path":"/data/a"}""")) + "]";
        (int code, _) = await _server.PatchAsync($"{s_collections[0]}/x", patch, "application/json-patch+json");
        Assert.InRange(code, 400, 422);
    }

    [Fact]
    public async Task TooLargeABody_IsRefusedAndTheServerGoesOn()
    {
        string large = $$$"""{"metadata":{"name":"x"},"data":{"a":"{{{new string('x', (3 << 20) + 1)}}}"}}""";
        foreach (string path in s_collections.Take(3))
        {
            (int code, JsonObject status) = await _server.PostAsync(path, large);
            Assert.Equal((413, "RequestEntityTooLarge"), (code, (string?)status["reason"]));
        }
        Assert.Equal(200, (await _server.GetAsync("/api/v1/namespaces")).Code);
    }

    [Fact]
    public async Task YamlThatExpandsWithoutBound_IsABadRequest()
    {
        var bomb = new StringBuilder("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for (int i = 1; i < 12; i++) bomb.Append($"a{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1}", 10))}]\n");
        Assert.Equal(400, (await _server.SendAsync(HttpMethod.Post, s_collections[0], bomb.ToString(), "application/yaml")).Code);
    }

    private static readonly (string, string)[] s_kinds =
    [
        ("v1", "ConfigMap"), ("v1", "Pod"), ("v1", "Service"), ("v1", "Secret"), ("v1", "Namespace"), ("v1", "Node"), ("v1", "Event"), ("events.k8s.io/v1", "Event"),
        ("coordination.k8s.io/v1", "Lease"), ("apiextensions.k8s.io/v1", "CustomResourceDefinition"), ("v1", "DeleteOptions"), ("authorization.k8s.io/v1", "SelfSubjectAccessReview"),
    ];

    private void Send(HttpMethod method, string path, byte[] body, string type)
    {
        using HttpResponseMessage response = _server.SendRawAsync(method, path, body, type).GetAwaiter().GetResult();
        string text = response.Content.ReadAsStringAsync().GetAwaiter().GetResult();
        Assert.True((int)response.StatusCode < 500, $"{method} {path} ({type}) {Encoding.UTF8.GetString(body)}\n{(int)response.StatusCode} {text}");
    }
}
