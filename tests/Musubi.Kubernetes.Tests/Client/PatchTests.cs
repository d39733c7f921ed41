using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Musubi.Kubernetes.Client;

namespace Musubi.Kubernetes.Tests.Client;

public class PatchTests
{
    [Fact]
    public void MergePatch_BetweenAnyTwo_LeadsFromOneToTheOther() =>
        Prop.ForAll(Objects(), Objects(), (from, to) =>
        {
            JsonNode? result = MergePatch.Apply(from, MergePatch.Between(from, to));
            return JsonNode.DeepEquals(result, to);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void MergePatch_BetweenSame_IsEmpty() =>
        Prop.ForAll(Objects(), obj => MergePatch.Between(obj, obj.DeepClone().AsObject()).Count == 0).QuickCheckThrowOnFailure();

    [Fact]
    public void ThreeWay_OthersAdditions_StayAndOursGo()
    {
        JsonObject last = Json("""{"spec":{"a":1,"b":2,"gone":{"x":1}}}""");
        JsonObject live = Json("""{"spec":{"a":1,"b":2,"gone":{"x":1,"theirs":2},"defaulted":true},"status":{"s":1}}""");
        JsonObject wanted = Json("""{"spec":{"a":5,"gone":{}}}""");
        JsonObject patch = MergePatch.ThreeWay(last, live, wanted);
        Assert.Equal("""{"spec":{"a":5,"b":null,"gone":{"x":null}}}""", patch.ToJsonString());
    }

    [Fact]
    public void ThreeWay_NothingChanged_IsEmpty()
    {
        JsonObject wanted = Json("""{"spec":{"a":[1,{"b":2}]}}""");
        Assert.Empty(MergePatch.ThreeWay(wanted, Json("""{"spec":{"a":[1,{"b":2}],"c":3}}"""), wanted));
    }

    [Fact]
    public void Strategic_ContainerImageChanged_PatchesThatContainerOnly()
    {
        JsonObject last = Json("""{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]}}""");
        JsonObject live = Json("""{"spec":{"containers":[{"name":"a","image":"1","imagePullPolicy":"Always"},{"name":"b","image":"1"},{"name":"sidecar"}]}}""");
        JsonObject wanted = Json("""{"spec":{"containers":[{"name":"a","image":"2"}]}}""");
        JsonObject patch = StrategicPatch.ThreeWay(last, live, wanted);
        Assert.Equal(
            """{"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":[{"image":"2","name":"a"},{"$patch":"delete","name":"b"}]}}""",
            patch.ToJsonString());
    }

    [Fact]
    public void Strategic_SameWithDefaults_IsEmpty()
    {
        JsonObject wanted = Json("""{"spec":{"ports":[{"port":80}],"selector":{"app":"x"}}}""");
        JsonObject live = Json("""{"spec":{"ports":[{"port":80,"protocol":"TCP","nodePort":30000}],"selector":{"app":"x"},"clusterIP":"10.96.0.4"}}""");
        Assert.Empty(StrategicPatch.ThreeWay(wanted, live, wanted));
    }

    [Fact]
    public void Strategic_ScalarList_IsReplacedWhole()
    {
        JsonObject patch = StrategicPatch.ThreeWay(null, Json("""{"spec":{"containers":[{"name":"a","args":["x"]}]}}"""), Json("""{"spec":{"containers":[{"name":"a","args":["y"]}]}}"""));
        Assert.Equal("""[{"args":["y"],"name":"a"}]""", patch["spec"]!["containers"]!.ToJsonString());
    }

    private static JsonObject Json(string text) => JsonNode.Parse(text)!.AsObject();

    /// <summary>Objects without null members: a merge patch cannot write those.</summary>
    private static Arbitrary<JsonObject> Objects() => Gen.Sized(size => ObjectGen(Math.Min(size, 3))).ToArbitrary();

    private static Gen<JsonObject> ObjectGen(int depth) =>
        from members in (from name in Gen.Elements("a", "b", "c", "d") from value in Value(depth) select (name, value)).ListOf()
        select new JsonObject(members.DistinctBy(m => m.name).Select(m => KeyValuePair.Create(m.name, m.value?.DeepClone())));

    private static Gen<JsonNode?> Value(int depth)
    {
        Gen<JsonNode?> leaf = Gen.OneOf(
            Gen.Choose(0, 3).Select(i => (JsonNode?)JsonValue.Create(i)),
            Gen.Elements("x", "y").Select(s => (JsonNode?)JsonValue.Create(s)),
            Gen.Choose(0, 2).ListOf().Select(l => (JsonNode?)new JsonArray([.. l.Select(i => (JsonNode)i)])));
        return depth == 0 ? leaf : Gen.OneOf(leaf, ObjectGen(depth - 1).Select(o => (JsonNode?)o));
    }
}
