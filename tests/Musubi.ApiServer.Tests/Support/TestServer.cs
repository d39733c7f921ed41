using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace Musubi.ApiServer.Tests.Support;

/// <summary>A server of its own, in this process, with an empty state directory.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private TestServer(ApiServerHost host, string directory)
    {
        (Host, Directory) = (host, directory);
        Http = Client(host.Url, directory, withCertificate: true);
    }

    public ApiServerHost Host { get; }

    public string Directory { get; }

    public HttpClient Http { get; }

    public static async Task<TestServer> StartAsync(Func<ApiServerOptions, ApiServerOptions>? configure = null)
    {
        string directory = TempDirectory();
        var options = new ApiServerOptions { StateDirectory = directory, Port = 0, LoggerFactory = new StandardErrorLoggers() };
        return new TestServer(await ApiServerHost.StartAsync(configure?.Invoke(options) ?? options), directory);
    }

    public static string TempDirectory() => System.IO.Directory.CreateTempSubdirectory("musubi-apiserver-").FullName;

    public static HttpClient Client(string url, string directory, bool withCertificate)
    {
        var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(directory, "pki", "ca.crt"));
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                {
                    using var chain = new X509Chain();
                    chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                    chain.ChainPolicy.CustomTrustStore.Add(authority);
                    chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                    return (errors | SslPolicyErrors.RemoteCertificateChainErrors) == SslPolicyErrors.RemoteCertificateChainErrors && chain.Build(new X509Certificate2(certificate!));
                },
                ClientCertificates = withCertificate
                    ? [X509Certificate2.CreateFromPemFile(Path.Combine(directory, "pki", "admin.crt"), Path.Combine(directory, "pki", "admin.key"))] : null,
            },
        };
        return new HttpClient(handler) { BaseAddress = new Uri(url), Timeout = TimeSpan.FromSeconds(60) };
    }

    public Task<(int Code, JsonObject Body)> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<(int Code, JsonObject Body)> PostAsync(string path, string json) => SendAsync(HttpMethod.Post, path, json);

    public Task<(int Code, JsonObject Body)> PutAsync(string path, string json) => SendAsync(HttpMethod.Put, path, json);

    public Task<(int Code, JsonObject Body)> DeleteAsync(string path, string json = "") => SendAsync(HttpMethod.Delete, path, json);

    public Task<(int Code, JsonObject Body)> PatchAsync(string path, string json, string type = "application/merge-patch+json") => SendAsync(HttpMethod.Patch, path, json, type);

    public async Task<(int Code, JsonObject Body)> SendAsync(HttpMethod method, string path, string? body = null, string type = "application/json")
    {
        using HttpResponseMessage response = await SendRawAsync(method, path, body is null ? null : Encoding.UTF8.GetBytes(body), type);
        string text = await response.Content.ReadAsStringAsync();
        return ((int)response.StatusCode, text.StartsWith('{') ? (JsonObject)JsonNode.Parse(text)! : new JsonObject { ["text"] = text });
    }

    public async Task<HttpResponseMessage> SendRawAsync(HttpMethod method, string path, byte[]? body = null, string type = "application/json", string? accept = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(Host.Url + path));
        if (body is { Length: > 0 })
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        }
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        return await Http.SendAsync(request);
    }

    /// <summary>Waits until a condition holds, for at most ten seconds.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        while (!await condition())
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"not within 10 s: {what}");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
