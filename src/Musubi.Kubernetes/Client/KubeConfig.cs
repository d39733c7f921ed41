using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Client;

/// <summary>Where an API server is and who one is there: a kubeconfig file's context, or the pod's own service account.</summary>
public static class KubeConfig
{
    private const string ServiceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>
    /// What a command line tool uses: <paramref name="path"/> when given, else the files of <c>KUBECONFIG</c>, else <c>~/.kube/config</c>,
    /// else the service account of the pod it runs in.
    /// </summary>
    /// <exception cref="KubeConfigException">Nothing was found, or what was found is incomplete; names the file and key.</exception>
    public static ApiClientOptions Load(string? path = null, string? context = null)
    {
        if (path is not null)
        {
            return FromFiles([path], context);
        }

        string? listed = Environment.GetEnvironmentVariable("KUBECONFIG");
        string[] files = string.IsNullOrEmpty(listed)
            ? [Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config")]
            : listed.Split(':', StringSplitOptions.RemoveEmptyEntries);
        string[] there = [.. files.Where(File.Exists)];
        if (there.Length > 0)
        {
            return FromFiles(there, context);
        }

        return Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST") is { Length: > 0 }
            ? InCluster()
            : throw new KubeConfigException($"no API server is configured: none of {string.Join(", ", files)} exists and this is not a pod; name a kubeconfig file");
    }

    /// <summary>Reads several files as one: of each name the first definition counts, and the first current-context.</summary>
    /// <exception cref="KubeConfigException">A file cannot be read or lacks something; names the file and key.</exception>
    public static ApiClientOptions FromFiles(IReadOnlyList<string> files, string? context = null)
    {
        List<KubeConfigFile> all = [.. files.Select(KubeConfigFile.Read)];
        string name = context ?? all.Select(f => f.Root.Text("current-context")).FirstOrDefault(c => !string.IsNullOrEmpty(c))
            ?? throw new KubeConfigException($"{string.Join(", ", files)}: current-context is not set; set it or name a context");
        (JsonObject chosen, KubeConfigFile file) = Find(all, "contexts", "context", name);
        string clusterName = chosen.Text("cluster") ?? throw file.Missing($"contexts[{name}].context.cluster");
        (JsonObject cluster, KubeConfigFile clusterFile) = Find(all, "clusters", "cluster", clusterName);
        ApiClientOptions options = clusterFile.ReadCluster(cluster, clusterName) with { Namespace = chosen.Text("namespace") ?? "default" };
        if (chosen.Text("user") is not { Length: > 0 } userName)
        {
            return options;
        }

        (JsonObject user, KubeConfigFile userFile) = Find(all, "users", "user", userName);
        return userFile.ReadUser(user, userName, options);
    }

    /// <summary>The service account that Kubernetes gives every pod.</summary>
    /// <exception cref="KubeConfigException">This process does not run in a pod, or the account is not mounted.</exception>
    public static ApiClientOptions InCluster()
    {
        string? host = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_HOST");
        string? port = Environment.GetEnvironmentVariable("KUBERNETES_SERVICE_PORT");
        string ca = Path.Combine(ServiceAccountDirectory, "ca.crt");
        if (string.IsNullOrEmpty(host) || string.IsNullOrEmpty(port) || !File.Exists(ca))
        {
            throw new KubeConfigException($"not in a pod with a service account: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT and {ca} must be there");
        }

        string ns = Path.Combine(ServiceAccountDirectory, "namespace");
        X509Certificate2Collection authorities = [];
        authorities.ImportFromPemFile(ca);
        return new ApiClientOptions
        {
            Server = new Uri($"https://{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}"),
            CertificateAuthorities = authorities,
            Token = new FileToken(Path.Combine(ServiceAccountDirectory, "token"), TimeProvider.System),
            Namespace = File.Exists(ns) ? File.ReadAllText(ns).Trim() : "default",
        };
    }

    /// <summary>The text of a kubeconfig with one cluster, user and context of the same name and everything embedded.</summary>
    public static string Write(string name, Uri server, string authorityPem, string certificatePem, string keyPem)
    {
        static string Base64(string pem) => Convert.ToBase64String(Encoding.ASCII.GetBytes(pem));
        return $"""
            apiVersion: v1
            kind: Config
            current-context: {name}
            clusters:
            - name: {name}
              cluster:
                server: {server.GetLeftPart(UriPartial.Authority)}
                certificate-authority-data: {Base64(authorityPem)}
            users:
            - name: {name}
              user:
                client-certificate-data: {Base64(certificatePem)}
                client-key-data: {Base64(keyPem)}
            contexts:
            - name: {name}
              context:
                cluster: {name}
                user: {name}
                namespace: default

            """;
    }

    private static (JsonObject Value, KubeConfigFile File) Find(List<KubeConfigFile> files, string list, string member, string name)
    {
        foreach (KubeConfigFile file in files)
        {
            foreach (JsonObject entry in (file.Root.Array(list) ?? []).OfType<JsonObject>())
            {
                if (entry.Text("name") == name && entry.Object(member) is { } value)
                {
                    return (value, file);
                }
            }
        }

        throw new KubeConfigException($"{string.Join(", ", files.Select(f => f.Path))}: {list} has no entry named \"{name}\"");
    }
}

/// <summary>The configuration for reaching an API server is missing or incomplete.</summary>
public sealed class KubeConfigException : Exception
{
    internal KubeConfigException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
