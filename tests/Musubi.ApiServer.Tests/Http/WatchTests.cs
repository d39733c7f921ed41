using System.Text.Json.Nodes;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.Http;

public sealed class WatchTests : IAsyncLifetime
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task FromAVersion_SeesEveryLaterChangeInOrder()
    {
        string version = Version((await _server.GetAsync(ConfigMaps)).Body);
        await using Watch watch = await Watch.OpenAsync(_server, $"{ConfigMaps}?watch=1&resourceVersion={version}");
        await _server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"}}""");
        await _server.PatchAsync($"{ConfigMaps}/a", """{"data":{"k":"v"}}""");
        await _server.DeleteAsync($"{ConfigMaps}/a");
        var events = new List<(string Type, long Version)>();
        for (int i = 0; i < 3; i++)
        {
            (string type, JsonObject obj) = await watch.NextAsync();
            Assert.Equal("ConfigMap", (string?)obj["kind"]);
            events.Add((type, long.Parse(Version(obj))));
        }
        Assert.Equal(["ADDED", "MODIFIED", "DELETED"], events.Select(e => e.Type));
        Assert.Equal(events.OrderBy(e => e.Version), events);
    }

    [Fact]
    public async Task WithInitialEvents_SendsTheStateThenAMarkThenWhatFollows()
    {
        await _server.PostAsync(ConfigMaps, """{"metadata":{"name":"before"}}""");
        await using Watch watch = await Watch.OpenAsync(_server, $"{ConfigMaps}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name!%3Dkube-root-ca.crt");
        (string type, JsonObject obj) = await watch.NextAsync();
        Assert.Equal(("ADDED", "before"), (type, (string?)obj["metadata"]!["name"]));
        (type, obj) = await watch.NextAsync();
        Assert.Equal("BOOKMARK", type);
        Assert.Equal("true", (string?)obj["metadata"]!["annotations"]!["k8s.io/initial-events-end"]);
        Assert.True(long.Parse(Version(obj)) > 0);
        await _server.PostAsync(ConfigMaps, """{"metadata":{"name":"after"}}""");
        (type, obj) = await watch.NextAsync();
        Assert.Equal(("ADDED", "after"), (type, (string?)obj["metadata"]!["name"]));
    }

    [Fact]
    public async Task InitialEventsWithoutTheirMatch_AreInvalid() =>
        Assert.Equal(422, (await _server.GetAsync($"{ConfigMaps}?watch=true&sendInitialEvents=true")).Code);

    [Fact]
    public async Task WithASelector_ObjectsComeAndGoAsTheyMatch()
    {
        string version = Version((await _server.GetAsync(ConfigMaps)).Body);
        await using Watch watch = await Watch.OpenAsync(_server, $"{ConfigMaps}?watch=1&resourceVersion={version}&labelSelector=on");
        await _server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"}}""");
        await _server.PatchAsync($"{ConfigMaps}/a", """{"metadata":{"labels":{"on":"1"}}}""");
        await _server.PatchAsync($"{ConfigMaps}/a", """{"metadata":{"labels":{"on":"2"}}}""");
        await _server.PatchAsync($"{ConfigMaps}/a", """{"metadata":{"labels":{"on":null}}}""");
        await _server.DeleteAsync($"{ConfigMaps}/a");
        foreach (string expected in (string[])["ADDED", "MODIFIED", "DELETED"]) Assert.Equal(expected, (await watch.NextAsync()).Type);
        await _server.PostAsync(ConfigMaps, """{"metadata":{"name":"b","labels":{"on":"3"}}}""");
        (string type, JsonObject obj) = await watch.NextAsync();
        Assert.Equal(("ADDED", "b"), (type, (string?)obj["metadata"]!["name"]));
    }

    [Fact]
    public async Task AsTable_OnlyTheFirstEventHasColumns()
    {
        await using Watch watch = await Watch.OpenAsync(_server, $"{ConfigMaps}?watch=1&fieldSelector=metadata.name!%3Dkube-root-ca.crt", "application/json;as=Table;v=v1;g=meta.k8s.io");
        await _server.PostAsync(ConfigMaps, """{"metadata":{"name":"a"}}""");
        await _server.PostAsync(ConfigMaps, """{"metadata":{"name":"b"}}""");
        (_, JsonObject first) = await watch.NextAsync();
        (_, JsonObject second) = await watch.NextAsync();
        Assert.Equal("Table", (string?)first["kind"]);
        Assert.NotNull(first["columnDefinitions"]);
        Assert.Null(second["columnDefinitions"]);
        Assert.Single(second["rows"]!.AsArray());
    }

    [Fact]
    public async Task Timeout_EndsTheStreamCleanly()
    {
        await using Watch watch = await Watch.OpenAsync(_server, $"{ConfigMaps}?watch=1&resourceVersion=1&timeoutSeconds=1");
        while (await watch.TryNextAsync() is not null)
        {
        }
    }

    [Fact]
    public async Task Stop_EndsOpenWatchesAtOnce()
    {
        await using Watch watch = await Watch.OpenAsync(_server, $"{ConfigMaps}?watch=1&fieldSelector=metadata.name%3Dnobody");
        await _server.Host.StopAsync().WaitAsync(TimeSpan.FromSeconds(5));
        Assert.Null(await watch.TryNextAsync());
    }

    [Fact]
    public async Task AfterARestart_AWatcherMissesNothing()
    {
        string directory = TestServer.TempDirectory();
        var options = new ApiServerOptions { StateDirectory = directory, Port = 0 };
        string version;
        await using (ApiServerHost first = await ApiServerHost.StartAsync(options))
        {
            using HttpClient client = TestServer.Client(first.Url, directory, withCertificate: true);
            version = Version((JsonObject)JsonNode.Parse(await client.GetStringAsync(ConfigMaps))!);
            await client.PostAsync(ConfigMaps, new StringContent("""{"metadata":{"name":"a"}}""", System.Text.Encoding.UTF8, "application/json"));
            await client.DeleteAsync($"{ConfigMaps}/a");
        }
        await using (ApiServerHost second = await ApiServerHost.StartAsync(options))
        {
            using HttpClient client = TestServer.Client(second.Url, directory, withCertificate: true);
            using var reader = new StreamReader(await client.GetStreamAsync($"{ConfigMaps}?watch=1&resourceVersion={version}&fieldSelector=metadata.name%3Da"));
            Assert.StartsWith("{\"type\":\"ADDED\"", await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(10)), StringComparison.Ordinal);
            Assert.StartsWith("{\"type\":\"DELETED\"", await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(10)), StringComparison.Ordinal);
        }
        Directory.Delete(directory, recursive: true);
    }

    private static string Version(JsonObject obj) => (string)obj["metadata"]!["resourceVersion"]!;

    private sealed class Watch(HttpResponseMessage response, StreamReader reader) : IAsyncDisposable
    {
        public static async Task<Watch> OpenAsync(TestServer server, string path, string? accept = null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
            HttpResponseMessage response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            Assert.Equal(200, (int)response.StatusCode);
            return new Watch(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
        }

        /// <summary>The next event, other than those of the certificate that every namespace gets.</summary>
        public async Task<(string Type, JsonObject Object)> NextAsync() => await TryNextAsync() ?? throw new InvalidOperationException("the watch ended");

        public async Task<(string Type, JsonObject Object)?> TryNextAsync()
        {
            while (true)
            {
                string? line;
                try
                {
                    line = await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(15));
                }
                catch (HttpIOException)
                {
                    return null;
                }
                if (line is null) return null;
                if (line.Contains("kube-root-ca.crt", StringComparison.Ordinal)) continue;
                var json = (JsonObject)JsonNode.Parse(line)!;
                return ((string)json["type"]!, (JsonObject)json["object"]!);
            }
        }

        public ValueTask DisposeAsync()
        {
            reader.Dispose();
            response.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
