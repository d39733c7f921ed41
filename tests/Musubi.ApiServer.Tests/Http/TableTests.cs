using System.Text.Json.Nodes;
using Musubi.ApiServer.Tables;

namespace Musubi.ApiServer.Tests.Http;

public sealed class TableTests
{
    private static readonly DateTimeOffset s_now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(119, "119s")]
    [InlineData(120, "2m")]
    [InlineData(125, "2m5s")]
    [InlineData(600, "10m")]
    [InlineData(10_799, "179m")]
    [InlineData(10_800, "3h")]
    [InlineData(11_000, "3h3m")]
    [InlineData(28_800, "8h")]
    [InlineData(172_800, "2d")]
    [InlineData(180_000, "2d2h")]
    [InlineData(691_200, "8d")]
    [InlineData(63_072_000, "2y")]
    [InlineData(65_000_000, "2y22d")]
    [InlineData(-1, "0s")]
    [InlineData(-100, "<invalid>")]
    public void Ages_AreAsCoarseAsTheyAreOld(int seconds, string expected) => Assert.Equal(expected, Cell.HumanDuration(TimeSpan.FromSeconds(seconds)));

    [Theory]
    [InlineData("""{"phase":"Running","containerStatuses":[{"ready":true,"state":{"running":{}}}]}""", "1/1", "Running")]
    [InlineData("""{"phase":"Pending","containerStatuses":[{"ready":false,"state":{"waiting":{"reason":"ContainerCreating"}}}]}""", "0/1", "ContainerCreating")]
    [InlineData("""{"phase":"Running","containerStatuses":[{"ready":false,"state":{"waiting":{"reason":"CrashLoopBackOff"}}}]}""", "0/1", "CrashLoopBackOff")]
    [InlineData("""{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"exitCode":3}}}]}""", "0/1", "ExitCode:3")]
    [InlineData("""{"phase":"Failed","containerStatuses":[{"state":{"terminated":{"exitCode":137,"signal":9}}}]}""", "0/1", "Signal:9")]
    [InlineData("""{"phase":"Succeeded","containerStatuses":[{"state":{"terminated":{"exitCode":0,"reason":"Completed"}}}]}""", "0/1", "Completed")]
    [InlineData("""{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"running":{}}}]}""", "0/1", "Init:0/1")]
    [InlineData("""{"phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":{"exitCode":1,"reason":"Error"}}}]}""", "0/1", "Init:Error")]
    [InlineData("""{"phase":"Failed","reason":"Evicted"}""", "0/1", "Evicted")]
    [InlineData("{}", "0/1", "Unknown")]
    public void Pods_SayInOneWordHowTheyAre(string status, string ready, string word)
    {
        var pod = (JsonObject)JsonNode.Parse($$$"""{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c"}],"initContainers":[{"name":"i"}]},"status":{{{status}}}}""")!;
        JsonArray cells = PodTable.Cells(pod, s_now);
        Assert.Equal((ready, word), ((string?)cells[1], (string?)cells[2]));
        pod["metadata"]!["deletionTimestamp"] = "2026-01-01T00:00:00Z";
        string expected = (string?)pod["status"]!["phase"] is "Succeeded" or "Failed" ? word : "Terminating";
        Assert.Equal(expected, (string?)PodTable.Cells(pod, s_now)[2]);
    }

    [Theory]
    [InlineData(".a.b", "1")]
    [InlineData("{.a.b}", "1")]
    [InlineData(".list[0].n", "\"x\"")]
    [InlineData(".list[-1].n", "\"y\"")]
    [InlineData(".list[*].n", "\"x\"")]
    [InlineData(".list[?(@.n==\"y\")].v", "2")]
    [InlineData(".list[?(@.n!='x')].v", "2")]
    [InlineData(".list[?(@.t == true)].v", "2")]
    [InlineData(".labels['x.y/z']", "\"l\"")]
    [InlineData(@".labels.x\.y/z", "\"l\"")]
    [InlineData(".missing.a", null)]
    [InlineData(".list[9]", null)]
    [InlineData(".list[?(nonsense)]", null)]
    [InlineData("[[[", null)]
    public void JsonPaths_FindTheFirst(string path, string? expected)
    {
        JsonNode root = JsonNode.Parse("""{"a":{"b":1},"list":[{"n":"x","v":1},{"n":"y","v":2,"t":true}],"labels":{"x.y/z":"l"}}""")!;
        Assert.Equal(expected, JsonPath.Parse(path).First(root)?.ToJsonString());
    }
}
