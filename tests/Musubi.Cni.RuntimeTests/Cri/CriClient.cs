using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Musubi.Cni.RuntimeTests.Cri;

/// <summary>What kubelet asks of a container runtime (CRI, runtime.v1): gRPC over HTTP/2 on the runtime's socket.</summary>
internal sealed class CriClient : IDisposable
{
    private readonly HttpClient _http;

    public CriClient(string socketPath) => _http = new HttpClient(new SocketsHttpHandler
    {
        ConnectCallback = async (_, ct) =>
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), ct);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://localhost"),
        Timeout = TimeSpan.FromMinutes(2),
    };

    /// <summary>Whether the runtime knows an image by now; what is imported beside it comes to its notice a little later.</summary>
    public bool HasImage(string name) => Call("ImageStatus", new ProtoMessage().Add(1, new ProtoMessage().Add(1, name)), "ImageService").Messages(1).Any();

    /// <summary>Makes a pod's sandbox; answers its id.</summary>
    public string RunPodSandbox(ProtoMessage config) => Call("RunPodSandbox", new ProtoMessage().Add(1, config)).Text(1);

    /// <summary>The addresses of a sandbox.</summary>
    public IReadOnlyList<string> AddressesOf(string sandbox)
    {
        ProtoMessage network = Call("PodSandboxStatus", new ProtoMessage().Add(1, sandbox)).Message(1).Message(5);
        return [network.Text(1), .. network.Messages(2).Select(m => m.Text(1))];
    }

    /// <summary>Starts a container in a sandbox; answers its id.</summary>
    public string Start(string sandbox, ProtoMessage sandboxConfig, string image, params string[] command)
    {
        ProtoMessage config = new ProtoMessage()
            .Add(1, new ProtoMessage().Add(1, "main"))
            .Add(2, new ProtoMessage().Add(1, image))
            .Add(3, command);
        string container = Call("CreateContainer", new ProtoMessage().Add(1, sandbox).Add(2, config).Add(3, sandboxConfig)).Text(1);
        Call("StartContainer", new ProtoMessage().Add(1, container));
        return container;
    }

    /// <summary>Runs a program in a container; it must succeed. Answers what it printed.</summary>
    public string Exec(string container, params string[] command)
    {
        ProtoMessage answer = Call("ExecSync", new ProtoMessage().Add(1, container).Add(2, command).Add(3, 20));
        return answer.Number(3) == 0
            ? answer.Text(1)
            : throw new InvalidOperationException($"{string.Join(' ', command)} ended with {answer.Number(3)}: {answer.Text(1)}{answer.Text(2)}");
    }

    public void StopPodSandbox(string sandbox) => Call("StopPodSandbox", new ProtoMessage().Add(1, sandbox));

    public void RemovePodSandbox(string sandbox) => Call("RemovePodSandbox", new ProtoMessage().Add(1, sandbox));

    public IReadOnlyList<string> Sandboxes() => [.. Call("ListPodSandbox", new ProtoMessage()).Messages(1).Select(s => s.Text(1))];

    /// <summary>Conditions that are not met, with their reasons: RuntimeReady, NetworkReady, or that the runtime is still starting.</summary>
    public IReadOnlyList<string> NotReady()
    {
        try
        {
            return [.. Call("Status", new ProtoMessage()).Message(1).Messages(1).Where(c => c.Number(2) == 0).Select(c => $"{c.Text(1)}: {c.Text(4)}")];
        }
        catch (InvalidOperationException e)
        {
            return [e.Message];
        }
    }

    public void Dispose() => _http.Dispose();

    private ProtoMessage Call(string method, ProtoMessage request, string service = "RuntimeService")
    {
        byte[] message = request.Write();
        byte[] frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        using HttpRequestMessage http = new(HttpMethod.Post, $"/runtime.v1.{service}/{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(frame),
        };
        http.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        http.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));

        // The client has no synchronous way to speak HTTP/2.
        using HttpResponseMessage answer = _http.SendAsync(http).GetAwaiter().GetResult();
        using MemoryStream body = new();
        answer.Content.CopyToAsync(body).GetAwaiter().GetResult();
        string status = Header("grpc-status");
        return status == "0"
            ? ProtoMessage.Parse(body.ToArray().AsSpan(5))
            : throw new InvalidOperationException($"{method}: gRPC status {status}: {Uri.UnescapeDataString(Header("grpc-message"))}");

        string Header(string name) =>
            answer.TrailingHeaders.TryGetValues(name, out IEnumerable<string>? values) || answer.Headers.TryGetValues(name, out values) ? values.First() : "";
    }
}
