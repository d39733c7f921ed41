using Musubi.Linux.Events;
using Musubi.Linux.Sockets;

namespace Musubi.Linux.Tests.Events;

public sealed class EventLoopTests : IDisposable
{
    private readonly EventLoop _loop = new(new BootClock());
    private readonly TemporaryDirectory _directory = new();
    private readonly List<string> _seen = [];

    public void Dispose()
    {
        _loop.Dispose();
        _directory.Dispose();
    }

    private void Run(int seconds = 20)
    {
        _loop.Timer(() => Assert.Fail("the loop did not end")).Set(_loop.Now + TimeSpan.FromSeconds(seconds));
        _loop.Run();
    }

    [Fact]
    public void Timers_GoOffInTheirOrder_OnceEach()
    {
        LoopTimer last = _loop.Timer(_loop.Stop);
        LoopTimer moved = _loop.Timer(() => _seen.Add("moved"));
        LoopTimer cleared = _loop.Timer(() => _seen.Add("cleared"));
        _loop.Timer(() => _seen.Add("first")).Set(TimeSpan.Zero);
        last.Set(_loop.Now + TimeSpan.FromMilliseconds(40));
        moved.Set(_loop.Now + TimeSpan.FromDays(1));
        moved.Set(_loop.Now + TimeSpan.FromMilliseconds(20));
        cleared.Set(TimeSpan.Zero);
        cleared.Set(null);

        Run();

        Assert.Equal(["first", "moved"], _seen);
    }

    [Fact]
    public void Post_FromAnotherThread_WakesTheLoop()
    {
        int loopThread = 0;
        Thread other = new(() => _loop.Post(() =>
        {
            loopThread = Environment.CurrentManagedThreadId;
            _loop.Stop();
        }));
        other.Start();

        Run();

        other.Join();
        Assert.Equal(Environment.CurrentManagedThreadId, loopThread);
    }

    [Fact]
    public void Watch_OfConnections_IsCalledUntilItIsEnded()
    {
        string path = _directory.File("s.sock");
        using LocalListener listener = LocalListener.Bind(path);
        LocalSocket? server = null;
        IDisposable? watch = null;
        using IDisposable accepting = _loop.WatchReadable(listener.Handle, () =>
        {
            server = listener.TryAccept()!;
            watch = _loop.WatchReadable(server.Handle, () =>
            {
                byte[] buffer = new byte[16];
                Assert.True(server.TryReceive(buffer, out int length));
                _seen.Add(System.Text.Encoding.ASCII.GetString(buffer, 0, length));
                if (length == 0)
                {
                    watch!.Dispose();
                    server.Dispose();
                    _loop.Timer(_loop.Stop).Set(_loop.Now);
                }
            });
        });
        using (LocalSocket client = LocalSocket.Connect(path))
        {
            client.Send("hello"u8, TimeSpan.FromSeconds(1));
        }

        Run();

        Assert.Equal("hello", string.Concat(_seen));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public void Connect_NobodyListens_SaysSo()
    {
        Assert.Equal(Errno.ENOENT, Assert.Throws<LinuxException>(() => LocalSocket.Connect(_directory.File("none"))).Errno);
        Assert.Equal(Errno.ENAMETOOLONG, Assert.Throws<LinuxException>(() => LocalSocket.Connect("/" + new string('x', 200))).Errno);
        LocalListener.Bind(_directory.File("dead")).Dispose();
        Assert.Equal(Errno.ECONNREFUSED, Assert.Throws<LinuxException>(() => LocalSocket.Connect(_directory.File("dead"))).Errno);
        Assert.Equal(Errno.EADDRINUSE, Assert.Throws<LinuxException>(() => LocalListener.Bind(_directory.File("dead"))).Errno);
    }

    [Fact]
    public void Receive_WithoutAnAnswer_EndsAtItsLimit()
    {
        using LocalListener listener = LocalListener.Bind(_directory.File("s.sock"));
        using LocalSocket client = LocalSocket.Connect(_directory.File("s.sock"));

        Assert.Throws<TimeoutException>(() => client.Receive(new byte[1], TimeSpan.FromMilliseconds(20)));
    }
}
