using Musubi.Bench;
using Musubi.Bench.Cni;

string home = Environment.GetEnvironmentVariable("MUSUBI_HOME") ?? throw new InvalidOperationException("MUSUBI_HOME must name the directory with musubi.dll; bench/run sets it");
switch (args)
{
    case ["cni"]:
        using (CniBenchmark plugins = new(Path.Combine(home, "musubi-cni")))
        {
            plugins.Run();
        }

        return 0;
    case ["cni-kernel"]:
        using (CniBenchmark plugins = new(Path.Combine(home, "musubi-cni"), runs: 20))
        {
            plugins.RunDistributionKernel();
        }

        return 0;
    case ["platform"]:
        string guest = Environment.GetEnvironmentVariable("MUSUBI_GUEST_IMAGE") ?? throw new InvalidOperationException("MUSUBI_GUEST_IMAGE must name the guest image; bench/run sets it");
        await new PlatformBenchmark(home, guest).RunAsync();
        return 0;
    default:
        Console.Error.WriteLine("usage: Musubi.Bench cni | cni-kernel | platform");
        return 2;
}
