using System.Text.Json.Nodes;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.Deletion;

public sealed class DeletionTests : IAsyncLifetime
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private const string Pods = "/api/v1/namespaces/default/pods";
    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Finalizers_HoldADeletedObject_UntilTheLastIsRemoved()
    {
        await CreateAsync("held", """, "finalizers":["example.com/a","example.com/b"]""");
        (int code, JsonObject obj) = await _server.DeleteAsync($"{ConfigMaps}/held");
        Assert.Equal(200, code);
        Assert.NotNull(obj["metadata"]!["deletionTimestamp"]);
        string version = (string)obj["metadata"]!["resourceVersion"]!;
        Assert.Equal(version, (string?)(await _server.DeleteAsync($"{ConfigMaps}/held")).Body["metadata"]!["resourceVersion"]);
        Assert.Equal(422, (await _server.PatchAsync($"{ConfigMaps}/held", """{"metadata":{"finalizers":["example.com/a","example.com/b","example.com/c"]}}""")).Code);
        Assert.Equal(200, (await _server.PatchAsync($"{ConfigMaps}/held", """{"metadata":{"finalizers":["example.com/b"]}}""")).Code);
        Assert.Equal(200, (await _server.GetAsync($"{ConfigMaps}/held")).Code);
        Assert.Equal(200, (await _server.PatchAsync($"{ConfigMaps}/held", """{"metadata":{"finalizers":null}}""")).Code);
        Assert.Equal(404, (await _server.GetAsync($"{ConfigMaps}/held")).Code);
    }

    [Fact]
    public async Task Delete_OfAConfigMap_AnswersWithAStatus_OfAPodWithThePod()
    {
        await CreateAsync("plain");
        (_, JsonObject status) = await _server.DeleteAsync($"{ConfigMaps}/plain");
        Assert.Equal(("Status", "Success", "configmaps"), ((string?)status["kind"], (string?)status["status"], (string?)status["details"]!["kind"]));
        await CreatePodAsync("pod", node: "");
        Assert.Equal("Pod", (string?)(await _server.DeleteAsync($"{Pods}/pod")).Body["kind"]);
    }

    [Fact]
    public async Task Preconditions_ThatDoNotHold_Conflict()
    {
        JsonObject obj = await CreateAsync("guarded");
        Assert.Equal(409, (await _server.DeleteAsync($"{ConfigMaps}/guarded", """{"preconditions":{"uid":"other"}}""")).Code);
        Assert.Equal(409, (await _server.DeleteAsync($"{ConfigMaps}/guarded", """{"preconditions":{"resourceVersion":"1"}}""")).Code);
        Assert.Equal(200, (await _server.DeleteAsync($"{ConfigMaps}/guarded", $$$"""{"preconditions":{"uid":"{{{obj["metadata"]!["uid"]}}}"}}""")).Code);
    }

    [Fact]
    public async Task ScheduledPods_GetTheirGracePeriod()
    {
        await CreatePodAsync("running", node: "node-1");
        JsonObject pod = (await _server.DeleteAsync($"{Pods}/running")).Body;
        Assert.Equal(30, (int)pod["metadata"]!["deletionGracePeriodSeconds"]!);
        Assert.Equal(2, (int)pod["metadata"]!["generation"]!);
        // Only shorter, never longer.
        Assert.Equal(30, (int)(await _server.DeleteAsync($"{Pods}/running?gracePeriodSeconds=60")).Body["metadata"]!["deletionGracePeriodSeconds"]!);
        Assert.Equal(5, (int)(await _server.DeleteAsync($"{Pods}/running?gracePeriodSeconds=5")).Body["metadata"]!["deletionGracePeriodSeconds"]!);
        await _server.PatchAsync($"{Pods}/running/status", """{"status":{"phase":"Running"}}""");
        Assert.Equal(200, (await _server.GetAsync($"{Pods}/running")).Code);
        await _server.DeleteAsync($"{Pods}/running", """{"gracePeriodSeconds":0}""");
        Assert.Equal(404, (await _server.GetAsync($"{Pods}/running")).Code);
    }

    [Fact]
    public async Task Dependents_GoWithTheirOwner()
    {
        JsonObject owner = await CreateAsync("owner");
        await CreateAsync("child", Owners(owner));
        JsonObject child = (await _server.GetAsync($"{ConfigMaps}/child")).Body;
        await CreateAsync("grandchild", Owners(child));
        await _server.DeleteAsync($"{ConfigMaps}/owner");
        await GoneAsync("child");
        await GoneAsync("grandchild");
    }

    [Fact]
    public async Task DependentOfAnOwnerThatNeverWas_IsDeleted_UnlessTheKindIsUnknown()
    {
        await CreateAsync("lost", """, "ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"nobody","uid":"00000000-0000-0000-0000-000000000001"}]""");
        await GoneAsync("lost");
        await CreateAsync("kept", """, "ownerReferences":[{"apiVersion":"example.com/v1","kind":"Unheard","name":"x","uid":"00000000-0000-0000-0000-000000000002"}]""");
        await CreateAsync("marker", """, "ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"nobody","uid":"00000000-0000-0000-0000-000000000001"}]""");
        await GoneAsync("marker");
        Assert.Equal(200, (await _server.GetAsync($"{ConfigMaps}/kept")).Code);
    }

    [Fact]
    public async Task OneOfTwoOwnersGone_OnlyTheReferenceGoes()
    {
        JsonObject first = await CreateAsync("first"), second = await CreateAsync("second");
        string owners = $""", "ownerReferences":[{Reference(first)},{Reference(second)}]""";
        await CreateAsync("child", owners);
        await _server.DeleteAsync($"{ConfigMaps}/first");
        await TestServer.EventuallyAsync(async () => (await _server.GetAsync($"{ConfigMaps}/child")).Body["metadata"]!["ownerReferences"]!.AsArray().Count == 1, "the reference is removed");
        Assert.Equal("second", (string?)(await _server.GetAsync($"{ConfigMaps}/child")).Body["metadata"]!["ownerReferences"]![0]!["name"]);
    }

    [Fact]
    public async Task Foreground_TheOwnerWaitsForItsDependents()
    {
        JsonObject owner = await CreateAsync("owner");
        await CreateAsync("child", Owners(owner, block: true).Replace("}]", """}], "finalizers":["example.com/slow"]""", StringComparison.Ordinal));
        (_, JsonObject answer) = await _server.DeleteAsync($"{ConfigMaps}/owner", """{"propagationPolicy":"Foreground"}""");
        Assert.Contains("foregroundDeletion", answer["metadata"]!["finalizers"]!.AsArray().Select(f => (string?)f));
        await TestServer.EventuallyAsync(async () => (await _server.GetAsync($"{ConfigMaps}/child")).Body["metadata"]?["deletionTimestamp"] is not null, "the child is being deleted");
        Assert.Equal(200, (await _server.GetAsync($"{ConfigMaps}/owner")).Code);
        await _server.PatchAsync($"{ConfigMaps}/child", """{"metadata":{"finalizers":null}}""");
        await GoneAsync("owner");
    }

    [Fact]
    public async Task Orphan_TheDependentsStayWithoutOwner()
    {
        JsonObject owner = await CreateAsync("owner");
        await CreateAsync("child", Owners(owner));
        await _server.DeleteAsync($"{ConfigMaps}/owner", """{"propagationPolicy":"Orphan"}""");
        await GoneAsync("owner");
        Assert.Null((await _server.GetAsync($"{ConfigMaps}/child")).Body["metadata"]!["ownerReferences"]);
    }

    [Fact]
    public async Task Namespace_WhileItsContentIsHeld_SaysWhatHoldsItAndTakesNothingNew()
    {
        await _server.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"team"}}""");
        await _server.PostAsync("/api/v1/namespaces/team/configmaps", """{"metadata":{"name":"held","finalizers":["example.com/x"]}}""");
        Assert.Equal("Terminating", (string?)(await _server.DeleteAsync("/api/v1/namespaces/team")).Body["status"]!["phase"]);
        (int code, JsonObject status) = await _server.PostAsync("/api/v1/namespaces/team/configmaps", """{"metadata":{"name":"new"}}""");
        Assert.Equal(403, code);
        Assert.Equal("NamespaceTerminating", (string?)status["details"]!["causes"]![0]!["reason"]);
        await TestServer.EventuallyAsync(async () => (await _server.GetAsync("/api/v1/namespaces/team")).Body.ToJsonString().Contains("example.com/x in 1 resource instances", StringComparison.Ordinal),
            "the namespace says what holds it");
        await _server.PatchAsync("/api/v1/namespaces/team/configmaps/held", """{"metadata":{"finalizers":null}}""");
        await TestServer.EventuallyAsync(async () => (await _server.GetAsync("/api/v1/namespaces/team")).Code == 404, "the namespace is gone");
    }

    [Fact]
    public async Task DeleteCollection_TakesWhatMatches()
    {
        for (int i = 0; i < 30; i++) await CreateAsync($"many-{i}", i % 2 == 0 ? """, "labels":{"even":"yes"}""" : "");
        (int code, JsonObject list) = await _server.DeleteAsync($"{ConfigMaps}?labelSelector=even");
        Assert.Equal((200, 15), (code, list["items"]!.AsArray().Count));
        Assert.Equal(15, (await _server.GetAsync(ConfigMaps)).Body["items"]!.AsArray().Count(i => ((string)i!["metadata"]!["name"]!).StartsWith("many-", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task OldEvents_AreForgotten()
    {
        await using TestServer server = await TestServer.StartAsync(o => o with { EventLifetime = TimeSpan.FromSeconds(2) });
        await server.PostAsync("/api/v1/namespaces/default/events", """{"metadata":{"name":"e"},"involvedObject":{"kind":"Pod","namespace":"default","name":"p"}}""");
        await TestServer.EventuallyAsync(async () => (await server.GetAsync("/api/v1/namespaces/default/events/e")).Code == 404, "the event is forgotten");
    }

    private async Task GoneAsync(string name) =>
        await TestServer.EventuallyAsync(async () => (await _server.GetAsync($"{ConfigMaps}/{name}")).Code == 404, $"{name} is gone");

    private async Task<JsonObject> CreateAsync(string name, string metadata = "")
    {
        (int code, JsonObject obj) = await _server.PostAsync(ConfigMaps, $$$"""{"metadata":{"name":"{{{name}}}"{{{metadata}}}}}""");
        Assert.Equal(201, code);
        return obj;
    }

    private async Task CreatePodAsync(string name, string node)
    {
        (int code, JsonObject obj) = await _server.PostAsync(Pods, $$$"""{"metadata":{"name":"{{{name}}}"},"spec":{"nodeName":"{{{node}}}","containers":[{"name":"c","image":"i"}]}}""");
        Assert.True(code == 201, obj.ToJsonString());
    }

    private static string Owners(JsonObject owner, bool block = false) => $""", "ownerReferences":[{Reference(owner, block)}]""";

    private static string Reference(JsonObject owner, bool block = false) => $$$"""
        {"apiVersion":"v1","kind":"ConfigMap","name":"{{{owner["metadata"]!["name"]}}}","uid":"{{{owner["metadata"]!["uid"]}}}","blockOwnerDeletion":{{{(block ? "true" : "false")}}}}
        """;
}
