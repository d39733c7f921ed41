using System.Net;
using System.Net.Sockets;
using System.Text;
using Musubi.Kubernetes.Client;

namespace Musubi.Node.Tests.Support;

/// <summary>An API server that knows a few objects by path, and nothing else.</summary>
internal sealed class StubApi : IDisposable
{
    private readonly HttpListener _listener;
    private readonly Dictionary<string, string> _objects = [];

    public StubApi()
    {
        (_listener, int port) = Listen();
        Client = new ApiClient(new ApiClientOptions { Server = new Uri($"http://127.0.0.1:{port}") });
        _ = ServeAsync();
    }

    public ApiClient Client { get; }

    public void Put(string path, string json) => _objects[path] = json;

    public void Dispose()
    {
        Client.Dispose();
        _listener.Close();
    }

    private static (HttpListener Listener, int Port) Listen()
    {
        for (int attempt = 1; ; attempt++)
        {
            using TcpListener probe = new(IPAddress.Loopback, 0);
            probe.Start();
            int port = ((IPEndPoint)probe.LocalEndpoint).Port;
            probe.Stop();
            HttpListener listener = new() { Prefixes = { $"http://127.0.0.1:{port}/" } };
            try
            {
                listener.Start();
                return (listener, port);
            }
            catch (HttpListenerException) when (attempt < 10)
            {
                listener.Close(); // the port was taken in between
            }
        }
    }

    private async Task ServeAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            bool found = _objects.TryGetValue(context.Request.Url!.AbsolutePath, out string? json);
            context.Response.StatusCode = found ? 200 : 404;
            context.Response.ContentType = "application/json";
            byte[] body = Encoding.UTF8.GetBytes(json ?? """{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","message":"not found","code":404}""");
            await context.Response.OutputStream.WriteAsync(body);
            context.Response.Close();
        }
    }
}
