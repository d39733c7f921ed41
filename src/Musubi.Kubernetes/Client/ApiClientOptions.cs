using System.Net.Http.Headers;
using System.Security.Cryptography.X509Certificates;

namespace Musubi.Kubernetes.Client;

/// <summary>Where an API server is, who one is there, and how patient one is.</summary>
public sealed record ApiClientOptions
{
    /// <summary>Base address; a path in it is kept as prefix.</summary>
    public required Uri Server { get; init; }

    /// <summary>The only authorities that may have signed the server's certificate; null means the machine's own.</summary>
    public X509Certificate2Collection? CertificateAuthorities { get; init; }

    /// <summary>Accept any server certificate.</summary>
    public bool SkipServerVerification { get; init; }

    /// <summary>Name that the server's certificate must bear instead of the host in <see cref="Server"/>.</summary>
    public string? TlsServerName { get; init; }

    /// <summary>Certificate with private key that says who we are.</summary>
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>Bearer token that says who we are.</summary>
    public IBearerToken? Token { get; init; }

    /// <summary>Basic authentication, for old servers.</summary>
    public AuthenticationHeaderValue? Basic { get; init; }

    /// <summary>User to act as.</summary>
    public string? ImpersonateUser { get; init; }

    /// <summary>Groups to act as a member of.</summary>
    public IReadOnlyList<string> ImpersonateGroups { get; init; } = [];

    /// <summary>Proxy (http, https or socks5); null means a direct connection.</summary>
    public Uri? Proxy { get; init; }

    /// <summary>Namespace used where a manifest names none.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>Name and version; the first word becomes the field manager of our writes.</summary>
    public string UserAgent { get; init; } = "musubi/0.1";

    /// <summary>How long one request may take, with all its retries.</summary>
    /// <value>The default is 30 seconds.</value>
    public TimeSpan RequestLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long to go on trying while the server cannot be reached or asks to come back later. Zero: one try.</summary>
    /// <value>The default is 10 seconds.</value>
    public TimeSpan RetryLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Called with each <c>Warning:</c> header text of an answer.</summary>
    public Action<string>? OnWarning { get; init; }
}

/// <summary>A token that may change while the program runs.</summary>
public interface IBearerToken
{
    /// <summary>The token to send now.</summary>
    /// <param name="rejected">True when the server just refused the last one.</param>
    /// <param name="ct">Cancels the wait.</param>
    ValueTask<string> GetAsync(bool rejected, CancellationToken ct);
}

/// <summary>A token that never changes.</summary>
internal sealed class FixedToken(string token) : IBearerToken
{
    public ValueTask<string> GetAsync(bool rejected, CancellationToken ct) => new(token);
}

/// <summary>A token in a file that someone else renews; read again every minute, and at once when the server refuses it.</summary>
internal sealed class FileToken(string path, TimeProvider time) : IBearerToken
{
    private static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(1);
    private (string Text, long At)? _read;

    public async ValueTask<string> GetAsync(bool rejected, CancellationToken ct)
    {
        if (!rejected && _read is { } read && time.GetElapsedTime(read.At) < MaxAge)
        {
            return read.Text;
        }

        string text = (await File.ReadAllTextAsync(path, ct)).Trim();
        _read = (text, time.GetTimestamp());
        return text;
    }
}
