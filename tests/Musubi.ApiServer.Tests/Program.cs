using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Musubi.ApiServer.Tests;

/// <summary>Runs the tests, or with <c>serve DIRECTORY [PORT]</c> a server.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args is not ["serve", var directory, .. var rest]) return await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
        long started = System.Diagnostics.Process.GetCurrentProcess().StartTime.ToUniversalTime().Ticks;
        using ILoggerFactory loggers = new StandardErrorLoggers();
        await using ApiServerHost server = await ApiServerHost.StartAsync(new ApiServerOptions
        {
            StateDirectory = directory,
            Port = rest.Length > 0 ? int.Parse(rest[0]) : 0,
            LoggerFactory = loggers,
        });
        TimeSpan sinceStart = TimeSpan.FromTicks(TimeProvider.System.GetUtcNow().UtcTicks - started);
        Console.WriteLine($"ready {server.Url} {sinceStart.TotalMilliseconds:F0} ms");
        var stop = new TaskCompletionSource();
        using PosixSignalRegistration onTerminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, c =>
        {
            c.Cancel = true;
            stop.TrySetResult();
        });
        await stop.Task;
        return 0;
    }
}

/// <summary>Warnings and errors to standard error.</summary>
internal sealed class StandardErrorLoggers : ILoggerFactory, ILogger
{
    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel)) Console.Error.WriteLine($"{logLevel}: {formatter(state, exception)} {exception}");
    }
}
