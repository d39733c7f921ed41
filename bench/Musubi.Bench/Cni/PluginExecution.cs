using System.Diagnostics;
using Microsoft.Win32.SafeHandles;
using Musubi.Linux.Namespaces;
using Musubi.Linux.Nftables;
using Musubi.Linux.Processes;

namespace Musubi.Bench.Cni;

/// <summary>Plugins as processes, started in a namespace that stands for the host, with their input and output in files.</summary>
internal sealed class PluginExecution(NetworkNamespace host, string workDirectory)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(60);

    /// <summary>From spawning to the end, by posix_spawn(3): a fork of this large process would cost as much as a plugin.</summary>
    public TimeSpan Time(Contender who, string type, string command, string config, string pod, string id)
    {
        using Prepared call = Prepare(who, type, command, config, pod, id);

        // Closing such a socket waits for what earlier transactions still have to free; otherwise this run would wait for the one before it.
        using (NftSocket nft = NftSocket.Open(host))
        {
            nft.GetGeneration();
        }

        // Programs are started by a thread that is made at the first start, here, and so belongs to the namespace that stands for the host.
        return host.Run(() =>
        {
            long began = Stopwatch.GetTimestamp();
            using ChildProcess process = ChildProcess.Start(call.Command);
            call.Require(process.WaitForExit(_limit));
            return Stopwatch.GetElapsedTime(began);
        });
    }

    /// <summary>Many at once: from the first spawn to the last end.</summary>
    public TimeSpan TimeTogether(Contender who, string type, string command, string config, IReadOnlyList<string> pods)
    {
        Prepared[] calls = [.. pods.Select((pod, i) => Prepare(who, type, command, config, pod, $"together{i}"))];
        try
        {
            return host.Run(() =>
            {
                long began = Stopwatch.GetTimestamp();
                ChildProcess[] processes = [.. calls.Select(c => ChildProcess.Start(c.Command))];
                for (int i = 0; i < processes.Length; i++)
                {
                    calls[i].Require(processes[i].WaitForExit(_limit));
                    processes[i].Dispose();
                }

                return Stopwatch.GetElapsedTime(began);
            });
        }
        finally
        {
            foreach (Prepared call in calls)
            {
                call.Dispose();
            }
        }
    }

    /// <summary>Peak resident memory of one call in KiB, as time(1) sees it.</summary>
    public int PeakMemory(Contender who, string type, string command, string config, string pod, string id)
    {
        string report = Path.Combine(workDirectory, "memory");
        using Prepared call = Prepare(who, type, command, config, pod, id, "/usr/bin/time", "-f", "%M", "-o", report);
        host.Run(() =>
        {
            using ChildProcess process = ChildProcess.Start(call.Command);
            call.Require(process.WaitForExit(_limit));
        });
        return int.Parse(File.ReadAllText(report), System.Globalization.CultureInfo.InvariantCulture);
    }

    private Prepared Prepare(Contender who, string type, string command, string config, string pod, string id, params string[] wrapper)
    {
        string input = Path.Combine(workDirectory, $"{id}.json");
        string output = $"{input}.out";
        File.WriteAllText(input, config);
        return new Prepared(who, type, command, pod, id, wrapper, File.OpenHandle(input), File.OpenHandle(output, FileMode.Create, FileAccess.Write), output);
    }

    private sealed class Prepared(
        Contender who, string type, string command, string pod, string id, string[] wrapper, SafeFileHandle input, SafeFileHandle output, string outputPath) : IDisposable
    {
        public ChildCommand Command { get; } = new([.. wrapper, Path.Combine(who.Directory, type)])
        {
            Environment =
            [
                $"CNI_COMMAND={command}", $"CNI_CONTAINERID={id}", $"CNI_NETNS={pod}", "CNI_IFNAME=eth0", $"CNI_PATH={who.Directory}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            ],
            StandardInput = input,
            StandardOutput = output,
            StandardError = output,
        };

        public void Require(ExitStatus? ended)
        {
            if (ended is not { IsSuccess: true })
            {
                throw new InvalidOperationException($"{Command.Command[^1]} {command}: {(ended is null ? $"still running after {_limit}" : File.ReadAllText(outputPath))}");
            }
        }

        public void Dispose()
        {
            input.Dispose();
            output.Dispose();
        }
    }
}
