using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Patching;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.Patching;

public sealed class PatchTests
{
    [Fact]
    public void MergePatch_OfDifference_GivesTheOther() => Prop.ForAll(Trees.Objects.ToArbitrary(), Trees.Objects.ToArbitrary(), (a, b) =>
    {
        JsonObject patch = MergePatch.Diff(a, b);
        return JsonTree.Equal(MergePatch.Apply(a.DeepClone(), patch), b);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void MergePatch_AppliedTwice_ChangesNothingMore() => Prop.ForAll(Trees.Objects.ToArbitrary(), Trees.Objects.ToArbitrary(), (target, patch) =>
    {
        JsonNode? once = MergePatch.Apply(target.DeepClone(), patch);
        return JsonTree.Equal(MergePatch.Apply(once!.DeepClone(), patch), once);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void JsonTree_WrittenAndRead_IsTheSame() => Prop.ForAll(Trees.Objects.ToArbitrary(), tree =>
        JsonTree.Equal(JsonTree.Parse(JsonTree.ToBytes(tree)), tree)).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("""{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""")]
    [InlineData("""{"a":"b"}""", """{"a":null}""", "{}")]
    [InlineData("""{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""")]
    [InlineData("""{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""")]
    [InlineData("""{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""")]
    [InlineData("{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""")]
    public void MergePatch_ExamplesOfTheStandard(string target, string patch, string expected) =>
        AssertSame(expected, MergePatch.Apply(JsonNode.Parse(target), JsonNode.Parse(patch)));

    [Theory]
    [InlineData("""{"foo":"bar"}""", """[{"op":"add","path":"/baz","value":"qux"}]""", """{"foo":"bar","baz":"qux"}""")]
    [InlineData("""{"foo":["bar","baz"]}""", """[{"op":"add","path":"/foo/1","value":"qux"}]""", """{"foo":["bar","qux","baz"]}""")]
    [InlineData("""{"foo":["a"]}""", """[{"op":"add","path":"/foo/-","value":"b"}]""", """{"foo":["a","b"]}""")]
    [InlineData("""{"foo":["bar","qux","baz"]}""", """[{"op":"remove","path":"/foo/1"}]""", """{"foo":["bar","baz"]}""")]
    [InlineData("""{"a":1}""", """[{"op":"replace","path":"/a","value":2}]""", """{"a":2}""")]
    [InlineData("""{"foo":{"bar":"baz","waldo":"fred"},"qux":{"corge":"grault"}}""", """[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]""",
        """{"foo":{"bar":"baz"},"qux":{"corge":"grault","thud":"fred"}}""")]
    [InlineData("""{"a":{"b":1}}""", """[{"op":"copy","from":"/a","path":"/c"}]""", """{"a":{"b":1},"c":{"b":1}}""")]
    [InlineData("""{"baz":"qux","a":1}""", """[{"op":"test","path":"/a","value":1.0},{"op":"add","path":"/b","value":null}]""", """{"baz":"qux","a":1,"b":null}""")]
    [InlineData("""{"/":9,"~1":10}""", """[{"op":"test","path":"/~01","value":10}]""", """{"/":9,"~1":10}""")]
    public void JsonPatch_ExamplesOfTheStandard(string target, string patch, string expected) =>
        AssertSame(expected, JsonPatch.Apply(JsonNode.Parse(target), (JsonArray)JsonNode.Parse(patch)!));

    [Theory]
    [InlineData("""[{"op":"test","path":"/a","value":2}]""")]
    [InlineData("""[{"op":"remove","path":"/nope"}]""")]
    [InlineData("""[{"op":"add","path":"/nope/x","value":1}]""")]
    [InlineData("""[{"op":"add","path":"/l/7","value":1}]""")]
    [InlineData("""[{"op":"add","path":"/l/01","value":1}]""")]
    [InlineData("""[{"op":"move","from":"/o","path":"/o/x"}]""")]
    [InlineData("""[{"op":"spin","path":"/a"}]""")]
    [InlineData("""[{"op":"add","path":"a","value":1}]""")]
    [InlineData("""["x"]""")]
    public void JsonPatch_ThatDoesNotFit_IsRefused(string patch) =>
        Assert.Throws<PatchException>(() => JsonPatch.Apply(JsonNode.Parse("""{"a":1,"l":[1],"o":{}}"""), (JsonArray)JsonNode.Parse(patch)!));

    private static void AssertSame(string expected, JsonNode? actual) =>
        Assert.True(JsonTree.Equal(JsonNode.Parse(expected), actual), $"expected {expected}, found {actual?.ToJsonString()}");
}
