using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Musubi.Kubernetes.Client;

namespace Musubi.Kubernetes.Tests.Client;

public sealed class KubeConfigTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("kubeconfig-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Load_WrittenConfig_GivesCertificatesAndServer()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 certificate = new CertificateRequest("CN=me", key, HashAlgorithmName.SHA256).CreateSelfSigned(now, now.AddHours(1));
        string pem = certificate.ExportCertificatePem();
        string path = Write("config", KubeConfig.Write("musubi", new Uri("https://127.0.0.1:6443/"), pem, pem, key.ExportPkcs8PrivateKeyPem()));
        ApiClientOptions options = KubeConfig.Load(path);
        Assert.Equal("https://127.0.0.1:6443/", options.Server.ToString());
        Assert.True(options.ClientCertificate!.HasPrivateKey);
        Assert.Single(options.CertificateAuthorities!);
        Assert.Equal("default", options.Namespace);
    }

    [Fact]
    public async Task FromFiles_Several_FirstDefinitionWinsAndPathsAreRelative()
    {
        Directory.CreateDirectory(Path.Combine(_directory, "sub"));
        Write("sub/token.txt", "secret");
        string first = Write("first", "current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u, namespace: dev}}]\nusers: [{name: u, user: {token: shadowed-not}}]");
        string second = Write("sub/second", "current-context: other\nclusters: [{name: k, cluster: {server: 'http://127.0.0.1:8080/prefix'}}]\nusers: [{name: u, user: {tokenFile: token.txt}}]");
        ApiClientOptions options = KubeConfig.FromFiles([first, second]);
        Assert.Equal(("http://127.0.0.1:8080/prefix", "dev"), (options.Server.ToString(), options.Namespace));
        Assert.Equal("shadowed-not", await options.Token!.GetAsync(false, CancellationToken.None));
        ApiClientOptions reversed = KubeConfig.FromFiles([second, first], "c");
        Assert.Equal("secret", await reversed.Token!.GetAsync(false, CancellationToken.None));
    }

    [Theory]
    [InlineData("{}", "current-context is not set")]
    [InlineData("current-context: x", "contexts has no entry named \"x\"")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {}}]", "contexts[x].context.cluster: is missing")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: k}}]\nclusters: [{name: k, cluster: {server: nonsense}}]", "clusters[k].cluster.server: \"nonsense\" is not an http or https URL")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: k}}]\nclusters: [{name: k, cluster: {server: 'https://a', certificate-authority: nowhere.pem}}]", "certificate-authority")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {server: 'https://a'}}]\nusers: [{name: u, user: {exec: {}}}]", "credential plugins are not supported")]
    [InlineData("current-context: x\ncontexts: [{name: x, context: {cluster: k, user: u}}]\nclusters: [{name: k, cluster: {server: 'https://a'}}]\nusers: [{name: u, user: {client-certificate-data: 'YQ=='}}]", "users[u].user.client-key: is missing")]
    [InlineData("a: [", "column 1")]
    public void FromFiles_Incomplete_NamesFileAndKey(string text, string why)
    {
        string path = Write("config", text);
        KubeConfigException e = Assert.Throws<KubeConfigException>(() => KubeConfig.FromFiles([path]));
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.Contains(why, e.Message, StringComparison.Ordinal);
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }
}
