using System.Diagnostics;
using System.Text.Json.Nodes;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.Storage;

/// <summary>What was acknowledged is there, whenever the server is killed.</summary>
public sealed class DurabilityTests
{
    private const string ConfigMaps = "/api/v1/namespaces/default/configmaps";
    private const int Rounds = 6;
    private const int Writers = 16;

    [Fact]
    public async Task KilledDuringWrites_EveryAcknowledgedWriteIsThere_AndVersionsNeverRepeat()
    {
        string directory = TestServer.TempDirectory();
        var acknowledged = new Dictionary<string, (long Version, int Value)>();
        var attempted = new Dictionary<string, HashSet<int>>();
        var versions = new HashSet<long>();
        var random = new Random(1);
        for (int round = 0; round < Rounds; round++)
        {
            (Process process, string url) = await ServeAsync(directory);
            using HttpClient client = TestServer.Client(url, directory, withCertificate: true);
            await CheckAsync(client, acknowledged, attempted, versions);
            using var stop = new CancellationTokenSource();
            int thisRound = round;
            Task[] writers = [.. Enumerable.Range(0, Writers).Select(w => Task.Run(() => WriteAsync(client, $"w{w}", thisRound * 100_000, acknowledged, attempted, versions, stop.Token)))];
            await Task.Delay(random.Next(100, 600));
            process.Kill();
            await process.WaitForExitAsync();
            await stop.CancelAsync();
            await Task.WhenAll(writers);
            process.Dispose();
        }
        (Process last, string lastUrl) = await ServeAsync(directory);
        using (HttpClient client = TestServer.Client(lastUrl, directory, withCertificate: true)) await CheckAsync(client, acknowledged, attempted, versions);
        Assert.NotEmpty(acknowledged);
        last.Kill();
        await last.WaitForExitAsync();
        last.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    private static async Task WriteAsync(HttpClient client, string name, int start, Dictionary<string, (long, int)> acknowledged, Dictionary<string, HashSet<int>> attempted, HashSet<long> versions, CancellationToken stop)
    {
        bool exists;
        lock (acknowledged) exists = acknowledged.ContainsKey(name) || attempted.ContainsKey(name);
        for (int value = start; !stop.IsCancellationRequested; value++)
        {
            lock (acknowledged)
            {
                if (!attempted.TryGetValue(name, out HashSet<int>? tried)) attempted[name] = tried = [];
                tried.Add(value);
            }
            try
            {
                string body = $$$"""{"metadata":{"name":"{{{name}}}"},"data":{"value":"{{{value}}}"}}""";
                using HttpResponseMessage response = exists
                    ? await client.PutAsync($"{ConfigMaps}/{name}", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), CancellationToken.None)
                    : await client.PostAsync(ConfigMaps, new StringContent(body, System.Text.Encoding.UTF8, "application/json"), CancellationToken.None);
                if ((int)response.StatusCode == 404)
                {
                    exists = false;
                    continue;
                }
                if (!response.IsSuccessStatusCode)
                {
                    exists = true;
                    continue;
                }
                var obj = (JsonObject)JsonNode.Parse(await response.Content.ReadAsStringAsync(CancellationToken.None))!;
                long version = long.Parse((string)obj["metadata"]!["resourceVersion"]!);
                lock (acknowledged)
                {
                    Assert.True(versions.Add(version), $"version {version} was given out twice");
                    acknowledged[name] = (version, value);
                }
                exists = true;
            }
            catch (HttpRequestException)
            {
                // Killed: this write was not acknowledged.
                return;
            }
            catch (IOException)
            {
                return;
            }
        }
    }

    private static async Task CheckAsync(HttpClient client, Dictionary<string, (long Version, int Value)> acknowledged, Dictionary<string, HashSet<int>> attempted, HashSet<long> versions)
    {
        var list = (JsonObject)JsonNode.Parse(await client.GetStringAsync(ConfigMaps))!;
        var stored = list["items"]!.AsArray().Where(i => ((string)i!["metadata"]!["name"]!).StartsWith('w'))
            .ToDictionary(i => (string)i!["metadata"]!["name"]!, i => (Version: long.Parse((string)i!["metadata"]!["resourceVersion"]!), Value: int.Parse((string)i["data"]!["value"]!)));
        foreach ((string name, (long version, int value)) in acknowledged)
        {
            Assert.True(stored.TryGetValue(name, out var found), $"{name} is lost");
            // Either the last acknowledged write, or a later one whose answer the kill cut off.
            Assert.True(found.Version == version ? found.Value == value : found.Version > version && attempted[name].Contains(found.Value) && found.Value > value,
                $"{name}: acknowledged {value} at {version}, found {found.Value} at {found.Version}");
        }
        long newest = long.Parse((string)list["metadata"]!["resourceVersion"]!);
        Assert.True(versions.Count == 0 || newest >= versions.Max(), "the store's version went back");
    }

    private static async Task<(Process Process, string Url)> ServeAsync(string directory)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        foreach (string argument in (string[])["serve", directory, "0"]) start.ArgumentList.Add(argument);
        Process process = Process.Start(start)!;
        string? line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.StartsWith("ready ", line, StringComparison.Ordinal);
        return (process, line!.Split(' ')[1]);
    }
}
