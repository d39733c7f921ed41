using System.Net;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Musubi.ApiServer.Access;
using Musubi.ApiServer.Admission;
using Musubi.ApiServer.Deletion;
using Musubi.ApiServer.Discovery;
using Musubi.ApiServer.Http;
using Musubi.ApiServer.Kinds;
using Musubi.ApiServer.Operations;
using Musubi.ApiServer.Schemas;
using Musubi.ApiServer.Storage;
using Musubi.ApiServer.Watching;

namespace Musubi.ApiServer;

/// <summary>A running API server. It serves until it is stopped; everything acknowledged is on disk at any moment.</summary>
/// <example>
/// <code>
/// await using ApiServerHost server = await ApiServerHost.StartAsync(new ApiServerOptions { StateDirectory = "/var/lib/musubi" }, ct);
/// Console.WriteLine($"kubectl --kubeconfig {server.KubeconfigPath} get namespaces");
/// </code>
/// </example>
public sealed class ApiServerHost : IAsyncDisposable
{
    private const int MaxStreamsPerConnection = 250;
    private readonly WebApplication _web;
    private readonly ObjectStore _store;
    private readonly BackgroundWork _background;
    private readonly ApiApplication _application;
    private readonly CancellationTokenSource _stopping;
    private int _stopped;

    private ApiServerHost(WebApplication web, ObjectStore store, BackgroundWork background, ApiApplication application, CancellationTokenSource stopping, int port, string kubeconfig)
    {
        (_web, _store, _background, _application, _stopping) = (web, store, background, application, stopping);
        Port = port;
        Url = UrlOf(port);
        KubeconfigPath = kubeconfig;
    }

    /// <summary>Base address, as <c>https://127.0.0.1:6443</c>.</summary>
    public string Url { get; }

    /// <summary>The TCP port it listens on.</summary>
    public int Port { get; }

    /// <summary>The administrator's kubeconfig.</summary>
    public string KubeconfigPath { get; }

    /// <summary>Starts a server; when this returns it answers.</summary>
    /// <exception cref="IOException">The state directory cannot be used (another server has it, it is damaged), or the port is taken.</exception>
    public static async Task<ApiServerHost> StartAsync(ApiServerOptions options, CancellationToken cancellationToken = default)
    {
        Directory.CreateDirectory(options.StateDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        ILogger logger = options.LoggerFactory.CreateLogger("Musubi.ApiServer");
        Pki pki = Pki.Open(Path.Combine(options.StateDirectory, "pki"), options.Time);
        var stopping = new CancellationTokenSource();
        var store = new ObjectStore(Path.Combine(options.StateDirectory, "store.db"), options.Time, logger);
        BackgroundWork? background = null;
        WebApplication? web = null;
        try
        {
            var addresses = new ClusterAddresses(options.ServiceRange, options.ServiceRangeIPv6);
            var registry = new ResourceRegistry(store, addresses);
            var definitions = new DefinitionWatcher(store, registry, logger);
            var operations = new ObjectOperations(store, registry, new AdmissionChain(options.Admissions), options.Time);
            background = new BackgroundWork(operations, definitions, options, pki.Authority.ExportCertificatePem() + "\n", logger);
            var handler = new ResourceHandler(operations, new WatchStreamer(store, options.Time, stopping.Token), options.Time);
            var application = new ApiApplication(registry, handler, new Authenticator(pki.Authority, options.Time), new OpenApiDocuments(), logger);
            await background.StartAsync().ConfigureAwait(false);

            web = BuildWeb(options, pki, application);
            await web.StartAsync(cancellationToken).ConfigureAwait(false);
            int port = new Uri(web.Urls.First()).Port;
            string kubeconfig = options.KubeconfigPath ?? Path.Combine(options.StateDirectory, "admin.kubeconfig");
            Pki.WritePrivate(kubeconfig, pki.Kubeconfig(UrlOf(port)));
            application.Ready = true;
            return new ApiServerHost(web, store, background, application, stopping, port, kubeconfig);
        }
        catch
        {
            if (web is not null) await web.DisposeAsync().ConfigureAwait(false);
            if (background is not null) await background.DisposeAsync().ConfigureAwait(false);
            await store.DisposeAsync().ConfigureAwait(false);
            stopping.Dispose();
            throw;
        }
    }

    /// <summary>Stops: no new requests, watches end, running requests finish within a few seconds.</summary>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0) return;
        _application.Ready = false;
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _web.StopAsync(cancellationToken).ConfigureAwait(false);
        await _web.DisposeAsync().ConfigureAwait(false);
        await _background.DisposeAsync().ConfigureAwait(false);
        await _store.DisposeAsync().ConfigureAwait(false);
        _stopping.Dispose();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private static string UrlOf(int port) => $"https://127.0.0.1:{port}";

    private static WebApplication BuildWeb(ApiServerOptions options, Pki pki, ApiApplication application)
    {
        // Only what is used: no configuration files, no environment, no static files.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = options.StateDirectory });
        builder.Services.AddSingleton(options.LoggerFactory);
        builder.Services.AddSingleton<Microsoft.Extensions.Hosting.IHostLifetime, OwnersLifetime>();
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(h => h.ShutdownTimeout = TimeSpan.FromSeconds(5));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Whoever reads a body minds its size, and answers in the API's own words.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.Http2.MaxStreamsPerConnection = MaxStreamsPerConnection;
            kestrel.Listen(IPAddress.Loopback, options.Port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(new HttpsConnectionAdapterOptions
                {
                    ServerCertificate = pki.Server,
                    SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                    ClientCertificateMode = ClientCertificateMode.AllowCertificate,
                    // Any certificate may be presented; whether it proves anything is the authenticator's to say, with an answer instead of a broken connection.
                    ClientCertificateValidation = (_, _, _) => true,
                });
            });
        });
        WebApplication web = builder.Build();
        web.Run(application.HandleAsync);
        return web;
    }

    /// <summary>Signals are the business of the program that this server is a part of.</summary>
    private sealed class OwnersLifetime : Microsoft.Extensions.Hosting.IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
