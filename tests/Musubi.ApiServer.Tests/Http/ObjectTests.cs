using System.Text.Json.Nodes;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.Http;

/// <summary>What every kind has in common, seen on the wire.</summary>
public sealed class ObjectTests : IAsyncLifetime
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Create_FillsInIdentityAndVersion()
    {
        (int code, JsonObject obj) = await _server.PostAsync(ConfigMaps, """{"metadata":{"name":"a","uid":"mine","creationTimestamp":"2001-01-01T00:00:00Z"},"data":{"k":"v"}}""");
        Assert.Equal(201, code);
        Assert.True(Guid.TryParse(Text(obj, "uid"), out _));
        Assert.NotEqual("2001-01-01T00:00:00Z", Text(obj, "creationTimestamp"));
        Assert.True(long.Parse(Text(obj, "resourceVersion")!) > 0);
        Assert.Equal("default", Text(obj, "namespace"));
    }

    [Fact]
    public async Task Create_SameNameTwice_SaysAlreadyExists()
    {
        await CreateAsync("twice");
        (int code, JsonObject status) = await _server.PostAsync(ConfigMaps, """{"metadata":{"name":"twice"}}""");
        Assert.Equal((409, "AlreadyExists"), (code, (string?)status["reason"]));
        Assert.Equal("configmaps \"twice\" already exists", (string?)status["message"]);
        Assert.Equal("configmaps", (string?)status["details"]!["kind"]);
    }

    [Fact]
    public async Task Create_WithGenerateName_MakesDistinctNames()
    {
        var names = new HashSet<string>();
        for (int i = 0; i < 20; i++)
        {
            (int code, JsonObject obj) = await _server.PostAsync(ConfigMaps, """{"metadata":{"generateName":"pre-"}}""");
            Assert.Equal(201, code);
            Assert.Matches("^pre-[bcdfghjklmnpqrstvwxz2456789]{5}$", Text(obj, "name")!);
            Assert.True(names.Add(Text(obj, "name")!));
        }
    }

    [Theory]
    [InlineData("""{"metadata":{"name":"Upper"}}""", 422, "metadata.name")]
    [InlineData("""{"metadata":{}}""", 422, "metadata.name")]
    [InlineData("""{"metadata":{"name":"a","labels":{"-x":"v"}}}""", 422, "metadata.labels")]
    [InlineData("""{"metadata":{"name":"a","labels":{"x":"not a value!"}}}""", 422, "metadata.labels")]
    [InlineData("""{"metadata":{"name":"a","finalizers":["Bad One"]}}""", 422, "metadata.finalizers")]
    [InlineData("""{"metadata":{"name":"a","ownerReferences":[{"kind":"X"}]}}""", 422, "metadata.ownerReferences[0].apiVersion")]
    [InlineData("""{"metadata":{"name":"a"},"data":{"bad key":"v"}}""", 422, "data[bad key]")]
    public async Task Create_BrokenRule_NamesTheField(string body, int expected, string field)
    {
        (int code, JsonObject status) = await _server.PostAsync(ConfigMaps, body);
        Assert.Equal(expected, code);
        Assert.Equal("Invalid", (string?)status["reason"]);
        Assert.Contains(status["details"]!["causes"]!.AsArray(), c => (string?)c!["field"] == field);
    }

    [Theory]
    [InlineData("""{"metadata":{"name":"a","namespace":"other"}}""", "does not match the namespace")]
    [InlineData("""{"apiVersion":"v2","metadata":{"name":"a"}}""", "does not match the expected API version")]
    [InlineData("""{"kind":"Secret","metadata":{"name":"a"}}""", "cannot be handled as a ConfigMap")]
    [InlineData("""{"metadata":{"name":"a","resourceVersion":"1"}}""", "resourceVersion should not be set")]
    [InlineData("""{"metadata":{"name":"a"},"data":{"n":1}}""", "json: cannot unmarshal number into Go struct field ConfigMap.data.n of type string")]
    [InlineData("[]", "not an object")]
    [InlineData("{", "cannot be read")]
    [InlineData("""{"metadata":{"name":"a"},"data":{"n":1e999}}""", "out of range")]
    public async Task Create_NotWhatItShouldBe_IsABadRequest(string body, string message)
    {
        (int code, JsonObject status) = await _server.PostAsync(ConfigMaps, body);
        Assert.Equal(400, code);
        Assert.Contains(message, (string?)status["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Create_InAMissingNamespace_SaysWhichIsMissing()
    {
        (int code, JsonObject status) = await _server.PostAsync("/api/v1/namespaces/nowhere/configmaps", """{"metadata":{"name":"a"}}""");
        Assert.Equal((404, "namespaces \"nowhere\" not found"), (code, (string?)status["message"]));
    }

    [Theory]
    [InlineData("Strict", 400)]
    [InlineData("Warn", 201)]
    [InlineData("Ignore", 201)]
    public async Task UnknownAndRepeatedFields_FollowFieldValidation(string mode, int expected)
    {
        string body = """{"metadata":{"name":"a","bogus":1},"data":{"x":"1","x":"2"},"zzz":true}""";
        using HttpResponseMessage response = await _server.SendRawAsync(HttpMethod.Post, $"{ConfigMaps}?fieldValidation={mode}", System.Text.Encoding.UTF8.GetBytes(body));
        Assert.Equal(expected, (int)response.StatusCode);
        if (mode == "Strict")
        {
            string text = await response.Content.ReadAsStringAsync();
            foreach (string part in (ReadOnlySpan<string>)["strict decoding error", "unknown field \\\"zzz\\\"", "unknown field \\\"metadata.bogus\\\"", "duplicate field \\\"data.x\\\""])
                Assert.Contains(part, text.Replace("\\u0022", "\\\"", StringComparison.Ordinal), StringComparison.Ordinal);
        }
        bool warned = response.Headers.TryGetValues("Warning", out IEnumerable<string>? warnings);
        Assert.Equal(mode == "Warn", warned);
        if (warned) Assert.Contains(warnings!, w => w.Contains("unknown field", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Update_StaleVersion_Conflicts()
    {
        JsonObject obj = await CreateAsync("stale");
        Assert.Equal(200, (await _server.PatchAsync($"{ConfigMaps}/stale", """{"data":{"k":"2"}}""")).Code);
        (int code, JsonObject status) = await _server.PutAsync($"{ConfigMaps}/stale", obj.ToJsonString());
        Assert.Equal((409, "Conflict"), (code, (string?)status["reason"]));
        Assert.Contains("the object has been modified", (string?)status["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Update_ThatChangesNothing_KeepsTheVersion()
    {
        JsonObject obj = await CreateAsync("same");
        Assert.Equal(Text(obj, "resourceVersion"), Text((await _server.PutAsync($"{ConfigMaps}/same", obj.ToJsonString())).Body, "resourceVersion"));
        foreach (string type in (string[])["application/merge-patch+json", "application/strategic-merge-patch+json"])
            Assert.Equal(Text(obj, "resourceVersion"), Text((await _server.PatchAsync($"{ConfigMaps}/same", """{"data":{"k":"v"}}""", type)).Body, "resourceVersion"));
        Assert.Equal(Text(obj, "resourceVersion"), Text((await _server.PatchAsync($"{ConfigMaps}/same", "[]", "application/json-patch+json")).Body, "resourceVersion"));
    }

    [Fact]
    public async Task Patch_WithAnOldVersionInside_Conflicts()
    {
        JsonObject obj = await CreateAsync("guarded");
        await _server.PatchAsync($"{ConfigMaps}/guarded", """{"data":{"k":"2"}}""");
        string patch = $$$"""{"metadata":{"resourceVersion":"{{{Text(obj, "resourceVersion")}}}"},"data":{"k":"3"}}""";
        Assert.Equal(409, (await _server.PatchAsync($"{ConfigMaps}/guarded", patch)).Code);
    }

    [Fact]
    public async Task Patch_FromManySides_LosesNothing()
    {
        await CreateAsync("busy");
        var results = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => _server.PatchAsync($"{ConfigMaps}/busy", $$$"""{"data":{"k{{{i}}}":"v"}}""")));
        Assert.All(results.Where(r => r.Code != 200), r => Assert.Equal(409, r.Code));
        JsonObject obj = (await _server.GetAsync($"{ConfigMaps}/busy")).Body;
        Assert.Equal(results.Count(r => r.Code == 200) + 1, obj["data"]!.AsObject().Count);
    }

    [Fact]
    public async Task Put_AbsentObject_CreatesOnlyWhereThatIsTheCustom()
    {
        Assert.Equal(404, (await _server.PutAsync($"{ConfigMaps}/absent", """{"metadata":{"name":"absent"}}""")).Code);
        Assert.Equal(201, (await _server.PutAsync("/apis/coordination.k8s.io/v1/namespaces/default/leases/absent", """{"metadata":{"name":"absent"},"spec":{"holderIdentity":"me"}}""")).Code);
        // A lease that is there is replaced only by who knows its version.
        Assert.Equal(422, (await _server.PutAsync("/apis/coordination.k8s.io/v1/namespaces/default/leases/absent", """{"metadata":{"name":"absent"},"spec":{"holderIdentity":"you"}}""")).Code);
    }

    [Fact]
    public async Task DryRun_ChangesNothing()
    {
        (int code, JsonObject obj) = await _server.PostAsync($"{ConfigMaps}?dryRun=All", """{"metadata":{"generateName":"dry-"}}""");
        Assert.Equal(201, code);
        Assert.StartsWith("dry-", Text(obj, "name"), StringComparison.Ordinal);
        Assert.Null(Text(obj, "resourceVersion"));
        Assert.Equal(404, (await _server.GetAsync($"{ConfigMaps}/{Text(obj, "name")}")).Code);
        await CreateAsync("real");
        Assert.Equal(200, (await _server.DeleteAsync($"{ConfigMaps}/real?dryRun=All")).Code);
        Assert.Equal(200, (await _server.GetAsync($"{ConfigMaps}/real")).Code);
        Assert.Equal(422, (await _server.PostAsync($"{ConfigMaps}?dryRun=Some", """{"metadata":{"name":"x"}}""")).Code);
    }

    [Fact]
    public async Task Paging_GivesEachItemOnce_AtOneVersion()
    {
        for (int i = 0; i < 25; i++) await CreateAsync($"page-{i:D2}", """, "labels":{"paged":"yes"}""");
        var names = new List<string>();
        string token = "", version = "";
        do
        {
            (int code, JsonObject list) = await _server.GetAsync($"{ConfigMaps}?limit=10&labelSelector=paged&continue={token}");
            Assert.Equal(200, code);
            if (version.Length == 0) version = Text(list, "resourceVersion")!;
            Assert.Equal(version, Text(list, "resourceVersion"));
            names.AddRange(list["items"]!.AsArray().Select(i => Text(i!.AsObject(), "name")!));
            token = Text(list, "continue") ?? "";
            // What comes later does not show up in a list that has begun.
            await CreateAsync($"page-x{names.Count}", """, "labels":{"paged":"yes"}""");
        }
        while (token.Length > 0);
        Assert.Equal(Enumerable.Range(0, 25).Select(i => $"page-{i:D2}"), names);
    }

    [Theory]
    [InlineData("labelSelector=a%3D%3D%3D1")]
    [InlineData("fieldSelector=spec.nope%3D1")]
    [InlineData("continue=garbage")]
    [InlineData("resourceVersion=abc")]
    [InlineData("limit=many")]
    public async Task List_WithSenselessParameters_IsABadRequest(string query) => Assert.Equal(400, (await _server.GetAsync($"{ConfigMaps}?{query}")).Code);

    [Theory]
    [InlineData("resourceVersionMatch=Exact")]
    [InlineData("resourceVersion=0&resourceVersionMatch=Exact")]
    [InlineData("resourceVersion=1&resourceVersionMatch=Sometimes")]
    [InlineData("sendInitialEvents=true")]
    public async Task List_WithContradictoryParameters_IsInvalid(string query) => Assert.Equal(422, (await _server.GetAsync($"{ConfigMaps}?{query}")).Code);

    [Fact]
    public async Task List_AheadOfTheStore_TimesOutWithAHint()
    {
        (int code, JsonObject status) = await _server.GetAsync($"{ConfigMaps}?resourceVersion=999999999");
        Assert.Equal((504, "Timeout"), (code, (string?)status["reason"]));
        Assert.Equal("ResourceVersionTooLarge", (string?)status["details"]!["causes"]![0]!["reason"]);
    }

    [Theory]
    [InlineData("POST", "/api/v1/configmaps", 405)]
    [InlineData("POST", "/api/v1/namespaces/default/configmaps/x", 405)]
    [InlineData("PUT", "/api/v1/namespaces/default/configmaps", 405)]
    [InlineData("GET", "/api/v1/namespaces/default/gadgets", 404)]
    [InlineData("GET", "/api/v1/namespaces/default/configmaps/x/status", 404)]
    [InlineData("GET", "/api/v9/things", 404)]
    [InlineData("GET", "/apis/nope/v1/things", 404)]
    [InlineData("GET", "/nope", 404)]
    [InlineData("HEAD", "/api/v1/namespaces/default/configmaps", 405)]
    [InlineData("DELETE", "/api/v1/configmaps", 405)]
    public async Task OddRequests_GetTheirCode(string method, string path, int expected)
    {
        using HttpResponseMessage response = await _server.SendRawAsync(new HttpMethod(method), path);
        Assert.Equal(expected, (int)response.StatusCode);
    }

    [Fact]
    public async Task Accept_DecidesTheForm()
    {
        await CreateAsync("formed");
        (int code, _) = await AcceptAsync("application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.Equal(200, code);
        Assert.Equal("Table", (string?)(await AcceptAsync("application/json;as=Table;v=v1;g=meta.k8s.io,application/json")).Body["kind"]);
        Assert.Equal("PartialObjectMetadata", (string?)(await AcceptAsync("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io")).Body["kind"]);
        Assert.Equal("ConfigMap", (string?)(await AcceptAsync("application/vnd.kubernetes.protobuf,application/json")).Body["kind"]);
        Assert.Equal("ConfigMap", (string?)(await AcceptAsync("application/json;as=Nothing;v=v1;g=meta.k8s.io, */*;q=0.1")).Body["kind"]);
        Assert.Equal(406, (await AcceptAsync("application/vnd.kubernetes.protobuf")).Code);

        async Task<(int Code, JsonObject Body)> AcceptAsync(string accept)
        {
            using HttpResponseMessage response = await _server.SendRawAsync(HttpMethod.Get, $"{ConfigMaps}/formed", accept: accept);
            return ((int)response.StatusCode, (JsonObject)JsonNode.Parse(await response.Content.ReadAsStringAsync())!);
        }
    }

    [Fact]
    public async Task Yaml_IsReadWithTheBooleansOfItsOldVersion()
    {
        (int code, JsonObject status) = await _server.SendAsync(HttpMethod.Post, ConfigMaps, "metadata: {name: yaml}\nimmutable: no\ndata: {a: \"yes\"}\n", "application/yaml");
        Assert.Equal(201, code);
        Assert.Equal("yes", (string?)status["data"]!["a"]);
        (code, status) = await _server.SendAsync(HttpMethod.Post, ConfigMaps, "metadata: {name: yaml2}\ndata: {a: yes}\n", "application/yaml");
        Assert.Equal(400, code);
        Assert.Contains("cannot unmarshal bool", (string?)status["message"], StringComparison.Ordinal);
    }

    private async Task<JsonObject> CreateAsync(string name, string metadata = "")
    {
        (int code, JsonObject obj) = await _server.PostAsync(ConfigMaps, $$$"""{"metadata":{"name":"{{{name}}}"{{{metadata}}}},"data":{"k":"v"}}""");
        Assert.Equal(201, code);
        return obj;
    }

    private static string? Text(JsonObject obj, string key) => (string?)obj["metadata"]?[key];
}
