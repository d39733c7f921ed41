using System.Text.Json.Nodes;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.Schemas;

public sealed class CustomResourceTests : IAsyncLifetime
{
    private const string CustomResourceDefinitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private const string Gadgets = "/apis/example.com/v1/namespaces/default/gadgets";
    private TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        Assert.Equal(201, (await _server.PostAsync(CustomResourceDefinitions, Definitions.Gadget)).Code);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Create_PrunesAndFillsInDefaults()
    {
        JsonObject obj = await CreateAsync("a", """{"size":2,"unknown":1,"free":{"anything":[1]},"items":[{"name":"x"}],"note":null}""");
        JsonObject spec = obj["spec"]!.AsObject();
        Assert.False(spec.ContainsKey("unknown"));
        Assert.True(spec.ContainsKey("note"));
        Assert.Equal(("red", "d", "v", 1), ((string?)spec["color"], (string?)spec["nested"]!["deep"], (string?)spec["items"]![0]!["value"], (int)spec["free"]!["anything"]![0]!));
        Assert.Equal(1, (int)obj["metadata"]!["generation"]!);
    }

    [Theory]
    [InlineData("""{"size":"two"}""", "spec.size", "FieldValueTypeInvalid")]
    [InlineData("""{"size":11}""", "spec.size", "FieldValueInvalid")]
    [InlineData("""{"size":1.5}""", "spec.size", "FieldValueTypeInvalid")]
    [InlineData("{}", "spec.size", "FieldValueRequired")]
    [InlineData("""{"size":1,"color":"blue"}""", "spec.color", "FieldValueNotSupported")]
    [InlineData("""{"size":1,"name":"UPPER"}""", "spec.name", "FieldValueInvalid")]
    [InlineData("""{"size":1,"name":"toolong"}""", "spec.name", "FieldValueTooLong")]
    [InlineData("""{"size":1,"address":"1.2.3"}""", "spec.address", "FieldValueInvalid")]
    [InlineData("""{"size":1,"port":true}""", "spec.port", "FieldValueTypeInvalid")]
    [InlineData("""{"size":1,"items":[{"name":"a"},{"name":"a"}]}""", "spec.items[1]", "FieldValueDuplicate")]
    [InlineData("""{"size":1,"items":[{"value":"a"}]}""", "spec.items[0].name", "FieldValueRequired")]
    [InlineData("""{"size":1,"items":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}]}""", "spec.items", "FieldValueTooMany")]
    [InlineData("""{"size":1,"tags":["a","a"]}""", "spec.tags[1]", "FieldValueDuplicate")]
    [InlineData("""{"size":1,"choice":{"a":"1","b":"2"}}""", "spec.choice", "FieldValueInvalid")]
    [InlineData("[]", "spec", "FieldValueTypeInvalid")]
    public async Task Create_AgainstTheSchema_NamesFieldAndReason(string spec, string field, string reason)
    {
        (int code, JsonObject status) = await PostAsync("bad", spec);
        Assert.Equal(422, code);
        Assert.Contains(status["details"]!["causes"]!.AsArray(), c => (string?)c!["field"] == field && (string?)c["reason"] == reason);
    }

    [Fact]
    public async Task Update_OfSomethingElse_ToleratesWhatWasWrongBefore()
    {
        await CreateAsync("old", """{"size":9}""");
        JsonObject definition = (await _server.GetAsync($"{CustomResourceDefinitions}/gadgets.example.com")).Body;
        definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!["properties"]!["size"]!["maximum"] = 5;
        Assert.Equal(200, (await _server.PutAsync($"{CustomResourceDefinitions}/gadgets.example.com", definition.ToJsonString())).Code);
        Assert.Equal(200, (await _server.PatchAsync($"{Gadgets}/old", """{"spec":{"color":"green"}}""")).Code);
        Assert.Equal(422, (await _server.PatchAsync($"{Gadgets}/old", """{"spec":{"size":8}}""")).Code);
    }

    [Fact]
    public async Task Status_IsAPlaceOfItsOwn()
    {
        JsonObject obj = await CreateAsync("s", """{"size":1}""", """, "status":{"ignored":true}""");
        Assert.Null(obj["status"]);
        obj = (await _server.PatchAsync($"{Gadgets}/s/status", """{"metadata":{"labels":{"no":"no"}},"spec":{"size":5},"status":{"phase":"Up"}}""")).Body;
        Assert.Equal(("Up", 1, 1), ((string?)obj["status"]!["phase"], (int)obj["spec"]!["size"]!, (int)obj["metadata"]!["generation"]!));
        Assert.Null(obj["metadata"]!["labels"]);
        obj = (await _server.PatchAsync($"{Gadgets}/s", """{"spec":{"size":5},"status":{"phase":"Down"}}""")).Body;
        Assert.Equal(("Up", 5, 2), ((string?)obj["status"]!["phase"], (int)obj["spec"]!["size"]!, (int)obj["metadata"]!["generation"]!));
        obj = (await _server.PatchAsync($"{Gadgets}/s", """{"metadata":{"labels":{"a":"b"}}}""")).Body;
        Assert.Equal(2, (int)obj["metadata"]!["generation"]!);
    }

    [Fact]
    public async Task Put_WithoutAVersion_IsInvalid()
    {
        JsonObject obj = await CreateAsync("p", """{"size":1}""");
        obj["metadata"]!.AsObject().Remove("resourceVersion");
        (int code, JsonObject status) = await _server.PutAsync($"{Gadgets}/p", obj.ToJsonString());
        Assert.Equal(422, code);
        Assert.Contains("metadata.resourceVersion: Invalid value: 0: must be specified for an update", (string?)status["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task OtherVersions_ShowTheSameObject()
    {
        await CreateAsync("v", """{"size":3,"color":"green"}""");
        using HttpResponseMessage response = await _server.SendRawAsync(HttpMethod.Get, "/apis/example.com/v1beta1/namespaces/default/gadgets/v");
        Assert.Contains("is deprecated", response.Headers.GetValues("Warning").Single(), StringComparison.Ordinal);
        var obj = (JsonObject)JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        Assert.Equal(("example.com/v1beta1", 3, "old"), ((string?)obj["apiVersion"], (int)obj["spec"]!["size"]!, (string?)obj["spec"]!["legacy"]));
        Assert.Null(obj["spec"]!["color"]);
    }

    [Fact]
    public async Task FieldSelector_OnADeclaredField_Selects()
    {
        await CreateAsync("red", """{"size":1}""");
        await CreateAsync("green", """{"size":1,"color":"green"}""");
        JsonObject list = (await _server.GetAsync($"{Gadgets}?fieldSelector=spec.color%3Dgreen")).Body;
        Assert.Equal("green", (string?)list["items"]!.AsArray().Single()!["metadata"]!["name"]);
        Assert.Equal(400, (await _server.GetAsync($"{Gadgets}?fieldSelector=spec.size%3D1")).Code);
    }

    [Fact]
    public async Task DefinitionDeleted_TakesItsObjectsAndItsPaths()
    {
        await CreateAsync("x", """{"size":1}""");
        await _server.DeleteAsync($"{CustomResourceDefinitions}/gadgets.example.com");
        await TestServer.EventuallyAsync(async () => (await _server.GetAsync(Gadgets)).Code == 404, "the kind is no longer served");
        Assert.Equal(201, (await _server.PostAsync(CustomResourceDefinitions, Definitions.Gadget)).Code);
        Assert.Empty((await _server.GetAsync(Gadgets)).Body["items"]!.AsArray());
    }

    [Theory]
    [InlineData("gadgets.example.com", "things.example.com", "metadata.name")]
    [InlineData("\"maximum\":10", "\"maximum\":10,\"$ref\":\"x\"", "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[size].$ref")]
    [InlineData("{\"type\":\"integer\",\"minimum\"", "{\"minimum\"", "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[size].type")]
    [InlineData("\"storage\":true", "\"storage\":false", "spec.versions")]
    [InlineData("\"scope\":\"Namespaced\"", "\"scope\":\"Everywhere\"", "spec.scope")]
    public async Task DefinitionThatCannotBe_NamesTheField(string from, string to, string field)
    {
        string other = Definitions.Gadget.Replace(from, to, StringComparison.Ordinal);
        (int code, JsonObject status) = await _server.PostAsync(CustomResourceDefinitions, other);
        Assert.Equal(422, code);
        Assert.Contains(status["details"]!["causes"]!.AsArray(), c => (string?)c!["field"] == field);
    }

    private async Task<JsonObject> CreateAsync(string name, string spec, string more = "")
    {
        (int code, JsonObject obj) = await PostAsync(name, spec, more);
        Assert.True(code == 201, obj.ToJsonString());
        return obj;
    }

    private Task<(int Code, JsonObject Body)> PostAsync(string name, string spec, string more = "") => _server.PostAsync(Gadgets,
        $$$"""{"apiVersion":"example.com/v1","kind":"Gadget","metadata":{"name":"{{{name}}}"},"spec":{{{spec}}}{{{more}}}}""");
}
