using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Musubi.Kubernetes.Objects;

namespace Musubi.Kubernetes.Client;

/// <summary>
/// Talks to one Kubernetes API server: TLS with a pinned authority, credentials, limits, retries, and failures as <see cref="ApiException"/>.
/// </summary>
/// <remarks>
/// Safe for use by many callers at once; the owner disposes it. Tried again are: every request that never reached the server, every
/// answer that says when to come back (429, 503), and reads whose answer got lost. A write whose answer got lost is not repeated.
/// </remarks>
public sealed class ApiClient : IDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);
    private readonly ApiClientOptions _options;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly string _prefix;

    /// <summary>A client for the server that <paramref name="options"/> name.</summary>
    public ApiClient(ApiClientOptions options, TimeProvider? time = null)
    {
        _options = options;
        _time = time ?? TimeProvider.System;
        _prefix = options.Server.AbsolutePath.TrimEnd('/');
        _http = new HttpClient(Handler(options))
        {
            BaseAddress = new Uri(options.Server.GetLeftPart(UriPartial.Authority)),
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestVersion = options.Server.Scheme == "https" ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        _http.DefaultRequestHeaders.UserAgent.ParseAdd(options.UserAgent);
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (options.ImpersonateUser is { } user)
        {
            _http.DefaultRequestHeaders.Add("Impersonate-User", user);
            _http.DefaultRequestHeaders.Add("Impersonate-Group", options.ImpersonateGroups);
        }
    }

    /// <summary>What the client was made with.</summary>
    public ApiClientOptions Options => _options;

    internal TimeProvider Time => _time;

    /// <summary>Access to the objects of one type.</summary>
    public ResourceClient<T> Resource<T>()
        where T : KubeObject, IKubeObject<T> => new(this);

    /// <summary>Sends a request and returns the answer's body.</summary>
    /// <exception cref="ApiException">The server refused.</exception>
    /// <exception cref="ApiUnreachableException">The server could not be reached within the limit.</exception>
    public async Task<byte[]> SendAsync(HttpMethod method, string pathAndQuery, RequestBody? body, CancellationToken ct)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_options.RequestLimit);
        try
        {
            using HttpResponseMessage response = await SendWithRetriesAsync(method, pathAndQuery, body, limit.Token);
            return await response.Content.ReadAsByteArrayAsync(limit.Token);
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new ApiUnreachableException($"{method} {pathAndQuery} on {_options.Server} took longer than {_options.RequestLimit.TotalSeconds:0.#} s", e);
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(method, pathAndQuery, e);
        }
    }

    /// <summary>Sends a request and reads the answer as an untyped object.</summary>
    /// <exception cref="ApiException">The server refused.</exception>
    /// <exception cref="ApiUnreachableException">The server could not be reached within the limit.</exception>
    public async Task<JsonObject> SendJsonAsync(HttpMethod method, string pathAndQuery, RequestBody? body, CancellationToken ct) =>
        JsonNode.Parse(await SendAsync(method, pathAndQuery, body, ct)) as JsonObject
        ?? throw new JsonException($"{method} {pathAndQuery}: the answer is not a JSON object");

    /// <summary>Opens an answer that goes on until the server or the caller ends it. The caller disposes it.</summary>
    /// <exception cref="ApiException">The server refused.</exception>
    /// <exception cref="ApiUnreachableException">The server could not be reached.</exception>
    internal async Task<HttpResponseMessage> OpenAsync(string pathAndQuery, CancellationToken ct)
    {
        try
        {
            return await SendOnceOrAgainUnauthorizedAsync(HttpMethod.Get, pathAndQuery, body: null, ct);
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(HttpMethod.Get, pathAndQuery, e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendWithRetriesAsync(HttpMethod method, string pathAndQuery, RequestBody? body, CancellationToken ct)
    {
        long start = _time.GetTimestamp();
        TimeSpan pause = FirstPause;
        while (true)
        {
            TimeSpan wait;
            try
            {
                return await SendOnceOrAgainUnauthorizedAsync(method, pathAndQuery, body, ct);
            }
            catch (ApiException e) when (RetryAfter(e) is { } asked && _time.GetElapsedTime(start) + asked < _options.RetryLimit)
            {
                wait = asked;
            }
            catch (HttpRequestException e) when (MayRepeat(method, e) && _time.GetElapsedTime(start) + pause < _options.RetryLimit)
            {
                wait = pause;
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }

            await Task.Delay(wait, _time, ct);
        }
    }

    /// <summary>A refused token is fetched once more before the refusal is believed.</summary>
    private async Task<HttpResponseMessage> SendOnceOrAgainUnauthorizedAsync(HttpMethod method, string pathAndQuery, RequestBody? body, CancellationToken ct)
    {
        try
        {
            return await SendOnceAsync(method, pathAndQuery, body, rejected: false, ct);
        }
        catch (ApiException e) when (e.Status.Code == 401 && _options.Token is not null)
        {
            return await SendOnceAsync(method, pathAndQuery, body, rejected: true, ct);
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, string pathAndQuery, RequestBody? body, bool rejected, CancellationToken ct)
    {
        using HttpRequestMessage request = new(method, _prefix + pathAndQuery)
        {
            Version = _http.DefaultRequestVersion,
            VersionPolicy = _http.DefaultVersionPolicy,
        };
        if (body is { } content)
        {
            request.Content = new ByteArrayContent(content.Bytes);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(content.MediaType);
        }

        request.Headers.Authorization = _options.Token is { } token
            ? new AuthenticationHeaderValue("Bearer", await token.GetAsync(rejected, ct))
            : _options.Basic;
        HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
        try
        {
            ReportWarnings(response);
            return response.IsSuccessStatusCode ? response : throw await FailureAsync(response, ct);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private static async Task<ApiException> FailureAsync(HttpResponseMessage response, CancellationToken ct)
    {
        byte[] body = await response.Content.ReadAsByteArrayAsync(ct);
        int? seconds = (int?)response.Headers.RetryAfter?.Delta?.TotalSeconds;
        ApiStatus status = Parse(body) ?? ApiStatus.Failure(
            response.StatusCode,
            response.StatusCode == HttpStatusCode.TooManyRequests ? "TooManyRequests" : response.StatusCode.ToString(),
            $"{response.RequestMessage?.Method} {response.RequestMessage?.RequestUri?.PathAndQuery}: {(int)response.StatusCode} {response.ReasonPhrase}");
        if (seconds is not null && status.Details?.RetryAfterSeconds is null)
        {
            status = status with { Details = (status.Details ?? new StatusDetails()) with { RetryAfterSeconds = seconds } };
        }

        return new ApiException(status.Code == 0 ? status with { Code = (int)response.StatusCode } : status);
    }

    private static ApiStatus? Parse(byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, KubeJson.Default.ApiStatus) is { Kind: "Status" } status ? status : null;
        }
        catch (JsonException)
        {
            return null; // a proxy's or a crashed server's text: the caller makes a status of the HTTP code
        }
    }

    private static TimeSpan? RetryAfter(ApiException e) =>
        e.Status.Code is 429 or 503 or 504 && e.Status.Details?.RetryAfterSeconds is { } seconds ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 30)) : null;

    private static bool MayRepeat(HttpMethod method, HttpRequestException e) =>
        e.HttpRequestError is HttpRequestError.ConnectionError || (method == HttpMethod.Get && e.HttpRequestError is not HttpRequestError.SecureConnectionError);

    private ApiUnreachableException Unreachable(HttpMethod method, string pathAndQuery, HttpRequestException e)
    {
        string hint = e.HttpRequestError switch
        {
            HttpRequestError.ConnectionError => "is it running?",
            HttpRequestError.SecureConnectionError => "its certificate is not signed by the configured authority, or it refuses ours",
            HttpRequestError.NameResolutionError => "its name does not resolve",
            _ => "the connection broke before the answer was complete",
        };
        return new ApiUnreachableException($"cannot reach the API server at {_options.Server}: {hint} ({method} {pathAndQuery}: {e.Message})", e);
    }

    private void ReportWarnings(HttpResponseMessage response)
    {
        if (_options.OnWarning is not { } report || !response.Headers.TryGetValues("Warning", out IEnumerable<string>? warnings))
        {
            return;
        }

        foreach (string warning in warnings)
        {
            // Form: 299 - "text"
            int open = warning.IndexOf('"', StringComparison.Ordinal);
            int close = warning.LastIndexOf('"');
            string text = open >= 0 && close > open ? warning[(open + 1)..close].Replace("\\\"", "\"", StringComparison.Ordinal) : warning;
            report(text);
        }
    }

    private static SocketsHttpHandler Handler(ApiClientOptions options)
    {
        SocketsHttpHandler handler = new()
        {
            ConnectTimeout = TimeSpan.FromSeconds(5),
            EnableMultipleHttp2Connections = true,
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
            UseCookies = false,
            AllowAutoRedirect = false,
            UseProxy = options.Proxy is not null,
            Proxy = options.Proxy is null ? null : new WebProxy(options.Proxy),
        };
        if (options.ClientCertificate is { } own)
        {
            handler.SslOptions.ClientCertificates = [own];
        }

        if (options.SkipServerVerification)
        {
#pragma warning disable CA5359 // the user's configuration asks for exactly this: insecure-skip-tls-verify
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
            return handler;
        }

        if (options.CertificateAuthorities is { } authorities)
        {
            X509ChainPolicy policy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(authorities);
            handler.SslOptions.CertificateChainPolicy = policy;
        }

        if (options.TlsServerName is { } name)
        {
            handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
                (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None && certificate is X509Certificate2 c && c.MatchesHostname(name);
        }

        return handler;
    }
}
