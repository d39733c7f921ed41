using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Musubi.Kubernetes.Client;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Tests.Client;

public class ApiClientTests
{
    private static readonly ObjectKey Key = new("ns", "w");

    [Fact]
    public async Task GetAsync_UnknownFields_SurviveUpdate()
    {
        string? sent = null;
        await using StubServer server = await StubServer.StartAsync(async (_, c) =>
        {
            if (c.Request.Method == "PUT")
            {
                using StreamReader reader = new(c.Request.Body);
                sent = await reader.ReadToEndAsync();
            }

            await StubServer.JsonAsync(c, Widget.Json("w", 7));
        });
        using ApiClient api = server.Client();
        Widget widget = await api.Resource<Widget>().GetAsync(Key, CancellationToken.None);
        await api.Resource<Widget>().UpdateAsync(widget with { Color = "blue" }, CancellationToken.None);
        Assert.Contains("\"kept\":true", sent, StringComparison.Ordinal);
        Assert.Contains("\"color\":\"blue\"", sent, StringComparison.Ordinal);
        Assert.Equal("GET /apis/test.io/v1/namespaces/ns/widgets/w", server.Requests.First());
    }

    [Fact]
    public async Task GetAsync_Failure_CarriesParsedStatus()
    {
        await using StubServer server = await StubServer.StartAsync((_, c) => StubServer.JsonAsync(c, StubServer.Status(404, "NotFound", "gone"), 404));
        using ApiClient api = server.Client();
        ApiException e = await Assert.ThrowsAsync<ApiException>(() => api.Resource<Widget>().GetAsync(Key, CancellationToken.None));
        Assert.True(e.IsNotFound);
        Assert.Equal("gone", e.Message);
        Assert.Null(await api.Resource<Widget>().FindAsync(Key, CancellationToken.None));
        Assert.False(await api.Resource<Widget>().DeleteAsync(Key, CancellationToken.None));
    }

    [Fact]
    public async Task GetAsync_FailureThatIsNoStatus_StillSaysWhat()
    {
        await using StubServer server = await StubServer.StartAsync((_, c) => StubServer.JsonAsync(c, "<html>", 502));
        using ApiClient api = server.Client();
        ApiException e = await Assert.ThrowsAsync<ApiException>(() => api.Resource<Widget>().GetAsync(Key, CancellationToken.None));
        Assert.Equal(502, e.Status.Code);
        Assert.Contains("/widgets/w", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_ServerAsksToComeBack_IsTriedAgain()
    {
        int calls = 0;
        await using StubServer server = await StubServer.StartAsync((_, c) =>
        {
            if (++calls > 2)
            {
                return StubServer.JsonAsync(c, Widget.Json("w", 1), 201);
            }

            c.Response.Headers.RetryAfter = "0";
            return StubServer.JsonAsync(c, StubServer.Status(429, "TooManyRequests", "slow down"), 429);
        });
        using ApiClient api = server.Client();
        await api.Resource<Widget>().CreateAsync(new Widget { Metadata = new() { Name = "w", Namespace = "ns" } }, CancellationToken.None);
        Assert.Equal(3, calls);
    }

    [Fact]
    public async Task CreateAsync_AnswerLost_IsNotRepeated()
    {
        int calls = 0;
        await using StubServer server = await StubServer.StartAsync((_, c) =>
        {
            calls++;
            c.Abort();
            return Task.CompletedTask;
        });
        using ApiClient api = server.Client();
        await Assert.ThrowsAsync<ApiUnreachableException>(() => api.Resource<Widget>().CreateAsync(new Widget { Metadata = new() { Name = "w" } }, CancellationToken.None));
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task GetAsync_NobodyListens_NamesTheServer()
    {
        using ApiClient api = new(new ApiClientOptions { Server = new Uri("http://127.0.0.1:1"), RetryLimit = TimeSpan.Zero });
        ApiUnreachableException e = await Assert.ThrowsAsync<ApiUnreachableException>(() => api.Resource<Widget>().GetAsync(Key, CancellationToken.None));
        Assert.Contains("http://127.0.0.1:1", e.Message, StringComparison.Ordinal);
        Assert.Contains("is it running?", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetAsync_ServerHangs_EndsAtTheLimit()
    {
        await using StubServer server = await StubServer.StartAsync((s, _) => Task.Delay(Timeout.Infinite, s.Stopping));
        using ApiClient api = server.Client(o => o with { RequestLimit = TimeSpan.FromMilliseconds(200) });
        ApiUnreachableException e = await Assert.ThrowsAsync<ApiUnreachableException>(() => api.Resource<Widget>().GetAsync(Key, CancellationToken.None));
        Assert.Contains("longer than 0.2 s", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetAsync_Cancelled_IsCancelled()
    {
        await using StubServer server = await StubServer.StartAsync((s, _) => Task.Delay(Timeout.Infinite, s.Stopping));
        using ApiClient api = server.Client();
        using CancellationTokenSource stop = new(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => api.Resource<Widget>().GetAsync(Key, stop.Token));
    }

    [Fact]
    public async Task GetAsync_TokenRefused_FileIsReadAgain()
    {
        string path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, "old\n");
            await using StubServer server = await StubServer.StartAsync((_, c) => c.Request.Headers.Authorization == "Bearer new"
                ? StubServer.JsonAsync(c, Widget.Json("w", 1))
                : StubServer.JsonAsync(c, StubServer.Status(401, "Unauthorized", "Unauthorized"), 401));
            FileToken token = new(path, TimeProvider.System);
            using ApiClient api = server.Client(o => o with { Token = token });
            await Assert.ThrowsAsync<ApiException>(() => api.Resource<Widget>().GetAsync(Key, CancellationToken.None));
            await File.WriteAllTextAsync(path, "new\n");
            Assert.NotNull(await api.Resource<Widget>().GetAsync(Key, CancellationToken.None));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task CreateAsync_Warning_IsReported()
    {
        await using StubServer server = await StubServer.StartAsync((_, c) =>
        {
            c.Response.Headers.Append("Warning", "299 - \"spec.running is \\\"old\\\"\"");
            return StubServer.JsonAsync(c, Widget.Json("w", 1));
        });
        List<string> warnings = [];
        using ApiClient api = server.Client(o => o with { OnWarning = warnings.Add });
        await api.Resource<Widget>().CreateAsync(new Widget { Metadata = new() { Name = "w" } }, CancellationToken.None);
        Assert.Equal(["spec.running is \"old\""], warnings);
    }

    [Fact]
    public async Task ListAsync_Pages_AreFollowed()
    {
        await using StubServer server = await StubServer.StartAsync((_, c) => StubServer.JsonAsync(c, c.Request.Query.ContainsKey("continue")
            ? $$"""{"kind":"WidgetList","metadata":{"resourceVersion":"9"},"items":[{{Widget.Json("b", 2)}}]}"""
            : $$$"""{"items":[{{{Widget.Json("a", 1)}}},{"metadata":{"name":"bare"}}],"metadata":{"continue":"more","resourceVersion":"9"}}"""));
        using ApiClient api = server.Client();
        KubeList<Widget> list = await api.Resource<Widget>().ListAsync(new Selection { Namespace = "ns", Labels = "a=b" }, CancellationToken.None);
        Assert.Equal(["a", "bare", "b"], list.Items.Select(w => w.Metadata.Name));
        Assert.All(list.Items, w => Assert.Equal("Widget", w.Kind));
        Assert.Equal("9", list.ResourceVersion);
        Assert.Equal("GET /apis/test.io/v1/namespaces/ns/widgets?labelSelector=a%3Db&limit=500&continue=more", server.Requests.Last());
    }

    [Fact]
    public async Task WatchAsync_Stream_GivesEventsInOrderWhateverTheChunks()
    {
        string lines = $$$$$"""
            {"type":"ADDED","object":{{{{{Widget.Json("a", 1)}}}}}}

            {"object":{{{{{Widget.Json("a", 2, "blue")}}}}},"type":"MODIFIED"}
            {"type":"BOOKMARK","object":{"kind":"Widget","metadata":{"resourceVersion":"5","annotations":{"k8s.io/initial-events-end":"true"}}}}
            {"type":"DELETED","object":{{{{{Widget.Json("a", 6)}}}}}}
            {"type":"ADDED","obj
            """;
        await using StubServer server = await StubServer.StartAsync(async (_, c) =>
        {
            foreach (char[] piece in lines.Chunk(17))
            {
                await c.Response.WriteAsync(new string(piece));
                await c.Response.Body.FlushAsync();
            }
        });
        using ApiClient api = server.Client();
        List<string> seen = [];
        await foreach (WatchEvent<Widget> e in api.Resource<Widget>().WatchAsync(Selection.All, new WatchOptions(), CancellationToken.None))
        {
            seen.Add($"{e.Type} {e.Object.Metadata.ResourceVersion} {e.Object.Color} {e.EndsInitialEvents}");
        }

        Assert.Equal(["Added 1 red False", "Modified 2 blue False", "Bookmark 5  True", "Deleted 6 red False"], seen);
    }

    [Fact]
    public async Task WatchAsync_ErrorEvent_Throws()
    {
        await using StubServer server = await StubServer.StartAsync((_, c) => c.Response.WriteAsync("{\"type\":\"ERROR\",\"object\":" + StubServer.Status(410, "Expired", "too old") + "}\n"));
        using ApiClient api = server.Client();
        ApiException e = await Assert.ThrowsAsync<ApiException>(async () =>
        {
            await foreach (WatchEvent<Widget> _ in api.Resource<Widget>().WatchAsync(Selection.All, new WatchOptions(), CancellationToken.None))
            {
                Assert.Fail("no event expected");
            }
        });
        Assert.True(e.IsExpired);
    }

    [Fact]
    public async Task GetAsync_PinnedAuthority_IsTheOnlyOneTrusted()
    {
        (X509Certificate2 ca, X509Certificate2 leaf) = Certificates();
        (X509Certificate2 other, _) = Certificates();
        await using StubServer server = await StubServer.StartAsync((_, c) => StubServer.JsonAsync(c, Widget.Json("w", c.Request.Protocol == "HTTP/2" ? 2 : 1)), leaf);
        using ApiClient trusting = server.Client(o => o with { CertificateAuthorities = [ca] });
        Assert.Equal("2", (await trusting.Resource<Widget>().GetAsync(Key, CancellationToken.None)).Metadata.ResourceVersion);

        using ApiClient distrusting = server.Client(o => o with { CertificateAuthorities = [other], RetryLimit = TimeSpan.Zero });
        ApiUnreachableException e = await Assert.ThrowsAsync<ApiUnreachableException>(() => distrusting.Resource<Widget>().GetAsync(Key, CancellationToken.None));
        Assert.Contains("certificate", e.Message, StringComparison.Ordinal);

        using ApiClient named = server.Client(o => o with { CertificateAuthorities = [ca], TlsServerName = "somewhere.else", RetryLimit = TimeSpan.Zero });
        await Assert.ThrowsAsync<ApiUnreachableException>(() => named.Resource<Widget>().GetAsync(Key, CancellationToken.None));
    }

    private static (X509Certificate2 Authority, X509Certificate2 Leaf) Certificates()
    {
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using ECDsa caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest caRequest = new("CN=test-ca", caKey, HashAlgorithmName.SHA256);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        X509Certificate2 ca = caRequest.CreateSelfSigned(now.AddMinutes(-5), now.AddHours(1));
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=server", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        X509Certificate2 leaf = request.Create(ca, now.AddMinutes(-5), now.AddMinutes(30), RandomNumberGenerator.GetBytes(8)).CopyWithPrivateKey(key);
        return (ca, leaf);
    }
}
