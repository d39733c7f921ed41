using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Musubi.Kubernetes.Manifests;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Client;

/// <summary>One kubeconfig file; relative paths in it are relative to its folder.</summary>
internal sealed class KubeConfigFile
{
    private KubeConfigFile(string path, JsonObject root)
    {
        Path = path;
        Root = root;
    }

    public string Path { get; }

    public JsonObject Root { get; }

    public static KubeConfigFile Read(string path)
    {
        try
        {
            return new KubeConfigFile(path, YamlReader.ReadObject(File.ReadAllText(path)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ManifestException)
        {
            throw new KubeConfigException($"{path}: {e.Message}", e);
        }
    }

    public ApiClientOptions ReadCluster(JsonObject cluster, string name)
    {
        string at = $"clusters[{name}].cluster";
        string server = cluster.Text("server") ?? throw Missing($"{at}.server");
        if (!Uri.TryCreate(server, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
        {
            throw Bad($"{at}.server", $"\"{server}\" is not an http or https URL");
        }

        string? proxy = cluster.Text("proxy-url");
        return new ApiClientOptions
        {
            Server = uri,
            CertificateAuthorities = Pem(cluster, "certificate-authority", at) is { } ca ? Certificates(ca, $"{at}.certificate-authority") : null,
            SkipServerVerification = cluster.Bool("insecure-skip-tls-verify") ?? false,
            TlsServerName = cluster.Text("tls-server-name"),
            Proxy = proxy is null ? null : Uri.TryCreate(proxy, UriKind.Absolute, out Uri? p) ? p : throw Bad($"{at}.proxy-url", $"\"{proxy}\" is not a URL"),
        };
    }

    public ApiClientOptions ReadUser(JsonObject user, string name, ApiClientOptions options)
    {
        string at = $"users[{name}].user";
        foreach (string unsupported in new[] { "exec", "auth-provider" })
        {
            if (user.Object(unsupported) is not null)
            {
                throw Bad($"{at}.{unsupported}", "credential plugins are not supported; use a client certificate, token or tokenFile");
            }
        }

        string? certificate = Pem(user, "client-certificate", at);
        string? key = Pem(user, "client-key", at);
        if ((certificate is null) != (key is null))
        {
            throw Missing(certificate is null ? $"{at}.client-certificate" : $"{at}.client-key");
        }

        IBearerToken? token = user.Text("tokenFile") is { } file ? new FileToken(Resolve(file), TimeProvider.System)
            : user.Text("token") is { } text ? new FixedToken(text)
            : null;
        AuthenticationHeaderValue? basic = user.Text("username") is { } who
            ? new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{who}:{user.Text("password")}")))
            : null;
        return options with
        {
            ClientCertificate = certificate is null ? null : WithKey(certificate, key!, at),
            Token = token,
            Basic = basic,
            ImpersonateUser = user.Text("as"),
            ImpersonateGroups = [.. (user.Array("as-groups") ?? []).Select(g => g?.ToString() ?? "")],
        };
    }

    public KubeConfigException Missing(string key) => Bad(key, "is missing");

    private KubeConfigException Bad(string key, string why, Exception? inner = null) => new($"{Path}: {key}: {why}", inner);

    private string Resolve(string file) => System.IO.Path.Combine(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!, file);

    /// <summary>The PEM text of a key that is there as <c>NAME-data</c> (base64) or as file name.</summary>
    private string? Pem(JsonObject from, string name, string at)
    {
        try
        {
            return from.Text($"{name}-data") is { Length: > 0 } data ? Encoding.ASCII.GetString(Convert.FromBase64String(data))
                : from.Text(name) is { Length: > 0 } file ? File.ReadAllText(Resolve(file))
                : null;
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw Bad($"{at}.{name}", e.Message, e);
        }
    }

    private X509Certificate2Collection Certificates(string pem, string at)
    {
        try
        {
            X509Certificate2Collection all = [];
            all.ImportFromPem(pem);
            return all.Count > 0 ? all : throw Bad(at, "holds no certificate in PEM form");
        }
        catch (CryptographicException e)
        {
            throw Bad(at, e.Message, e);
        }
    }

    private X509Certificate2 WithKey(string certificate, string key, string at)
    {
        try
        {
            return X509Certificate2.CreateFromPem(certificate, key);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw Bad($"{at}.client-certificate", $"certificate and key do not go together: {e.Message}", e);
        }
    }
}
