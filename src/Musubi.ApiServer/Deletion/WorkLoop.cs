using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Musubi.ApiServer.Deletion;

/// <summary>
/// Works off keys one after another. A key waits at most once; what fails, or asks for it, comes again later.
/// </summary>
internal sealed partial class WorkLoop<TKey>(string name, Func<TKey, CancellationToken, Task<TimeSpan?>> process, TimeProvider time, ILogger logger) : IAsyncDisposable
    where TKey : notnull
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(50), LastRetry = TimeSpan.FromSeconds(30);

    private readonly Channel<TKey> _queue = Channel.CreateUnbounded<TKey>(new UnboundedChannelOptions { SingleReader = true });
    private readonly HashSet<TKey> _waiting = [];
    private readonly Dictionary<TKey, int> _failures = [];
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;

    public void Start() => _loop = Task.Run(RunAsync);

    public void Add(TKey key)
    {
        lock (_waiting)
        {
            if (!_waiting.Add(key)) return;
        }
        _queue.Writer.TryWrite(key);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _queue.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await foreach (TKey key in _queue.Reader.ReadAllAsync(_stop.Token).ConfigureAwait(false))
            {
                lock (_waiting) _waiting.Remove(key);
                if (await ProcessAsync(key).ConfigureAwait(false) is { } later) _ = AddLaterAsync(key, later);
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops; what is left is found again at its next start.
        }
    }

    private async Task<TimeSpan?> ProcessAsync(TKey key)
    {
        try
        {
            TimeSpan? again = await process(key, _stop.Token).ConfigureAwait(false);
            _failures.Remove(key);
            return again;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            int failures = _failures[key] = _failures.GetValueOrDefault(key) + 1;
            LogFailed(logger, e, name, key.ToString() ?? "", failures);
            double factor = Math.Pow(2, Math.Min(failures - 1, 20));
            return TimeSpan.FromTicks((long)Math.Min(FirstRetry.Ticks * factor, LastRetry.Ticks));
        }
    }

    private async Task AddLaterAsync(TKey key, TimeSpan later)
    {
        try
        {
            await Task.Delay(later, time, _stop.Token).ConfigureAwait(false);
            Add(key);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The server stops.
        }
    }

    [LoggerMessage(EventId = 1631, Level = LogLevel.Warning, Message = "{Loop} failed on {Key} (attempt {Attempt}); it will be tried again")]
    private static partial void LogFailed(ILogger logger, Exception e, string loop, string key, int attempt);
}
