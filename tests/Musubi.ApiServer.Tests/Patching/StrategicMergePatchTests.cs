using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Musubi.ApiServer.Json;
using Musubi.ApiServer.Patching;
using Musubi.ApiServer.Schemas;

namespace Musubi.ApiServer.Tests.Patching;

public sealed class StrategicMergePatchTests
{
    private static readonly SchemaNode s_pod = FieldTable.Instance.Root("core/v1.Pod");
    private static readonly SchemaNode s_service = FieldTable.Instance.Root("core/v1.Service");

    [Fact]
    public void ListsWithAKey_MergeItemByItem() => AssertPatched(
        """{"spec":{"containers":[{"name":"a","image":"1","env":[{"name":"X","value":"x"}]},{"name":"b","image":"1"}]}}""",
        """{"spec":{"containers":[{"name":"a","image":"2","env":[{"name":"Y","value":"y"}]}]}}""",
        """{"spec":{"containers":[{"name":"a","image":"2","env":[{"name":"Y","value":"y"},{"name":"X","value":"x"}]},{"name":"b","image":"1"}]}}""");

    [Fact]
    public void DeleteDirective_RemovesTheItem() => AssertPatched(
        """{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}""", """{"spec":{"containers":[{"name":"a","$patch":"delete"}]}}""", """{"spec":{"containers":[{"name":"b"}]}}""");

    [Fact]
    public void ReplaceDirectiveInAList_ReplacesIt() => AssertPatched(
        """{"spec":{"containers":[{"name":"a"},{"name":"b"}]}}""", """{"spec":{"containers":[{"name":"c"},{"$patch":"replace"}]}}""", """{"spec":{"containers":[{"name":"c"}]}}""");

    [Fact]
    public void ReplaceDirectiveInAMap_ReplacesIt() => AssertPatched(
        """{"metadata":{"labels":{"a":"1","b":"2"}}}""", """{"metadata":{"labels":{"$patch":"replace","c":"3"}}}""", """{"metadata":{"labels":{"c":"3"}}}""");

    [Fact]
    public void ListsWithoutAStrategy_AreReplaced() => AssertPatched(
        """{"spec":{"containers":[{"name":"a","args":["1","2"]}]}}""", """{"spec":{"containers":[{"name":"a","args":["3"]}]}}""",
        """{"spec":{"containers":[{"name":"a","args":["3"]}]}}""");

    [Fact]
    public void MergedScalars_AreAUnion_AndCanBeRemoved() => AssertPatched(
        """{"metadata":{"finalizers":["a/x","b/x"]}}""", """{"metadata":{"$deleteFromPrimitiveList/finalizers":["a/x"],"finalizers":["c/x","b/x"]}}""",
        """{"metadata":{"finalizers":["b/x","c/x"]}}""");

    [Fact]
    public void ElementOrder_PlacesListedItems_AndLeavesTheOthersBesideTheirNeighbours() => AssertPatched(
        """{"spec":{"containers":[{"name":"a"},{"name":"server"},{"name":"b"}]}}""",
        """{"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"c"},{"name":"a"}],"containers":[{"name":"c"}]}}""",
        """{"spec":{"containers":[{"name":"b"},{"name":"c"},{"name":"a"},{"name":"server"}]}}""");

    [Fact]
    public void RetainKeys_DropsWhatIsNotNamed() => AssertPatched(
        """{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}""",
        """{"spec":{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],"hostPath":{"path":"/x"}}]}}""",
        """{"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}}""");

    [Fact]
    public void NullDeletesAKey() => AssertPatched("""{"spec":{"nodeName":"n","hostname":"h"}}""", """{"spec":{"nodeName":null}}""", """{"spec":{"hostname":"h"}}""");

    [Fact]
    public void ServicePorts_AreMergedByPort() => AssertPatched(
        """{"spec":{"ports":[{"port":80,"targetPort":8080}]}}""", """{"spec":{"ports":[{"port":80,"name":"web"},{"port":443}]}}""",
        """{"spec":{"ports":[{"port":80,"targetPort":8080,"name":"web"},{"port":443}]}}""", s_service);

    [Theory]
    [InlineData("""{"spec":{"containers":[{"image":"no key"}]}}""")]
    [InlineData("""{"spec":{"containers":["text"]}}""")]
    [InlineData("""{"spec":{"containers":[["nested"]]}}""")]
    [InlineData("""{"spec":{"$patch":"turn"}}""")]
    [InlineData("""{"metadata":{"$deleteFromPrimitiveList/finalizers":"x"}}""")]
    public void AContradictoryPatch_IsRefused(string patch) => Assert.Throws<PatchException>(() => StrategicMergePatch.Apply(
        (JsonObject)JsonNode.Parse("""{"metadata":{"finalizers":["x/y"]},"spec":{"containers":[{"name":"a"}]}}""")!, (JsonObject)JsonNode.Parse(patch)!, s_pod));

    [Fact]
    public void OnObjectsWithoutLists_ItIsAMergePatch() => Prop.ForAll(LabelMaps().ToArbitrary(), LabelMaps().ToArbitrary(), (target, patch) =>
    {
        JsonNode strategic = StrategicMergePatch.Apply((JsonObject)target.DeepClone(), patch, s_pod);
        return JsonTree.Equal(strategic, MergePatch.Apply(target.DeepClone(), patch));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void AppliedTwice_ItChangesNothingMore() => Prop.ForAll(ContainerLists().ToArbitrary(), ContainerLists().ToArbitrary(), (target, patch) =>
    {
        JsonObject once = StrategicMergePatch.Apply((JsonObject)target.DeepClone(), patch, s_pod);
        JsonObject twice = StrategicMergePatch.Apply((JsonObject)once.DeepClone(), patch, s_pod);
        return JsonTree.Equal(once, twice);
    }).QuickCheckThrowOnFailure();

    private static Gen<JsonObject> LabelMaps() =>
        from labels in Gen.ArrayOf(from k in Gen.Elements("a", "b", "c") from v in Gen.Elements("1", "2", null) select KeyValuePair.Create(k, (JsonNode?)v), 3)
        select new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject(labels.DistinctBy(l => l.Key).Select(l => KeyValuePair.Create(l.Key, l.Value?.DeepClone()))) } };

    private static Gen<JsonObject> ContainerLists() =>
        from names in Gen.SubListOf("a", "b", "c", "d")
        from images in Gen.ArrayOf(Gen.Choose(1, 3), 4)
        select new JsonObject
        {
            ["spec"] = new JsonObject
            {
                ["containers"] = new JsonArray([.. names.Select((n, i) => (JsonNode?)new JsonObject { ["name"] = n, ["image"] = images[i].ToString() })]),
            },
        };

    private static void AssertPatched(string target, string patch, string expected, SchemaNode? schema = null)
    {
        JsonObject actual = StrategicMergePatch.Apply((JsonObject)JsonNode.Parse(target)!, (JsonObject)JsonNode.Parse(patch)!, schema ?? s_pod);
        Assert.True(JsonTree.Equal(JsonNode.Parse(expected), actual), $"expected {expected}\nfound    {actual.ToJsonString()}");
    }
}
