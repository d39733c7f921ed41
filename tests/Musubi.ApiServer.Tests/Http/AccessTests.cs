using System.Text.Json.Nodes;
using Musubi.ApiServer.Access;
using Musubi.ApiServer.Tests.Support;

namespace Musubi.ApiServer.Tests.Http;

public sealed class AccessTests : IAsyncLifetime
{
    private TestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await TestServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("/version", 200)]
    [InlineData("/healthz", 200)]
    [InlineData("/livez", 200)]
    [InlineData("/readyz?verbose", 200)]
    [InlineData("/api", 403)]
    [InlineData("/apis", 403)]
    [InlineData("/openapi/v3", 403)]
    [InlineData("/api/v1/namespaces", 403)]
    [InlineData("/api/v1/namespaces/default/secrets/none", 403)]
    [InlineData("/apis/nope/v1/things", 403)]
    public async Task Anonymous_SeesOnlyThatTheServerIsThere(string path, int expected)
    {
        using HttpClient client = TestServer.Client(_server.Host.Url, _server.Directory, withCertificate: false);
        Assert.Equal(expected, (int)(await client.GetAsync(path)).StatusCode);
    }

    [Fact]
    public async Task AWrongToken_IsUnauthorized()
    {
        using HttpClient client = TestServer.Client(_server.Host.Url, _server.Directory, withCertificate: false);
        client.DefaultRequestHeaders.Authorization = new("Bearer", "wrong");
        using HttpResponseMessage response = await client.GetAsync("/api/v1/namespaces");
        Assert.Equal(401, (int)response.StatusCode);
        Assert.Equal("Unauthorized", (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync())!["reason"]);
    }

    [Fact]
    public async Task ACertificateOfAnotherAuthority_IsUnauthorized()
    {
        string foreign = TestServer.TempDirectory();
        Pki.Open(Path.Combine(foreign, "pki"), TimeProvider.System);
        File.Copy(Path.Combine(_server.Directory, "pki", "ca.crt"), Path.Combine(foreign, "pki", "ca.crt"), overwrite: true);
        using HttpClient client = TestServer.Client(_server.Host.Url, foreign, withCertificate: true);
        Assert.Equal(401, (int)(await client.GetAsync("/api/v1/namespaces")).StatusCode);
        Directory.Delete(foreign, recursive: true);
    }

    [Fact]
    public void KeysAndKubeconfig_AreForTheirOwnerOnly()
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(owner, File.GetUnixFileMode(_server.Host.KubeconfigPath));
        foreach (string key in Directory.GetFiles(Path.Combine(_server.Directory, "pki"), "*.key")) Assert.Equal(owner, File.GetUnixFileMode(key));
    }

    [Fact]
    public void Certificates_AreKept_AndRenewedBeforeTheyEnd()
    {
        string directory = Path.Combine(_server.Directory, "kept");
        string first = Pki.Open(directory, TimeProvider.System).Server.Thumbprint;
        Pki again = Pki.Open(directory, TimeProvider.System);
        Assert.Equal(first, again.Server.Thumbprint);
        Pki later = Pki.Open(directory, new FixedTime(TimeProvider.System.GetUtcNow().AddDays(320)));
        Assert.NotEqual(first, later.Server.Thumbprint);
        Assert.Equal(again.Authority.Thumbprint, later.Authority.Thumbprint);
        File.WriteAllText(Path.Combine(directory, "server.crt"), "damaged");
        Assert.NotEqual(first, Pki.Open(directory, TimeProvider.System).Server.Thumbprint);
    }

    [Fact]
    public async Task APortThatIsTaken_IsReported_AndTheStateIsFreeAgain()
    {
        string directory = TestServer.TempDirectory();
        await Assert.ThrowsAnyAsync<IOException>(() => ApiServerHost.StartAsync(new ApiServerOptions { StateDirectory = directory, Port = _server.Host.Port }));
        await using (await ApiServerHost.StartAsync(new ApiServerOptions { StateDirectory = directory, Port = 0 }))
        {
        }
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task AStateDirectoryInUse_IsReported()
    {
        IOException e = await Assert.ThrowsAnyAsync<IOException>(() => ApiServerHost.StartAsync(new ApiServerOptions { StateDirectory = _server.Directory, Port = 0 }));
        Assert.Contains("another server is using this state directory", e.Message, StringComparison.Ordinal);
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
