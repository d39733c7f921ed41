using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Musubi.Kubernetes.Client;

namespace Musubi.Kubernetes.Tests.Client;

/// <summary>A server that answers as a test says, on a real socket.</summary>
internal sealed class StubServer : IAsyncDisposable
{
    private readonly WebApplication _web;
    private readonly CancellationTokenSource _stopping = new();

    private StubServer(WebApplication web) => _web = web;

    /// <summary>Method and URL of each request.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public Uri Url => new(_web.Urls.First());

    /// <summary>Ends with the server: for answers that stay open.</summary>
    public CancellationToken Stopping => _stopping.Token;

    public static async Task<StubServer> StartAsync(Func<StubServer, HttpContext, Task> answer, X509Certificate2? certificate = null, int port = 0)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            if (certificate is not null)
            {
                listen.UseHttps(certificate);
            }
        }));
        WebApplication web = builder.Build();
        StubServer server = new(web);
        web.Run(async context =>
        {
            server.Requests.Enqueue($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}");
            try
            {
                await answer(server, context);
            }
            catch (OperationCanceledException)
            {
                context.Abort();
            }
        });
        await web.StartAsync();
        return server;
    }

    /// <summary>A client that does not wait long.</summary>
    public ApiClient Client(Func<ApiClientOptions, ApiClientOptions>? change = null)
    {
        ApiClientOptions options = new() { Server = Url, RequestLimit = TimeSpan.FromSeconds(10), RetryLimit = TimeSpan.FromSeconds(5) };
        return new ApiClient(change?.Invoke(options) ?? options);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _web.StopAsync(new CancellationToken(canceled: true));
        await _web.DisposeAsync();
        _stopping.Dispose();
    }

    public static Task JsonAsync(HttpContext context, string json, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    }

    public static string Status(int code, string reason, string message) =>
        $$$"""{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"{{{message}}}","reason":"{{{reason}}}","code":{{{code}}}}""";
}
